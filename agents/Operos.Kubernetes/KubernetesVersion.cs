using System.Globalization;
using System.Text.RegularExpressions;

namespace Operos.Kubernetes;

/// <summary>A version of Kubernetes, such as 1.20.2: options come and go with the minor one.</summary>
public readonly partial record struct KubernetesVersion(int Major, int Minor, int Patch)
{
    private const string InstalledFile = "/usr/lib/operos/kubernetes-version";

    /// <summary>Reads what a component's <c>--version</c> prints, such as <c>Kubernetes v1.20.2</c>.</summary>
    /// <exception cref="FormatException">There is no version in it.</exception>
    public static KubernetesVersion Parse(string text)
    {
        var match = Pattern().Match(text);
        if (!match.Success) throw new FormatException($"'{text.Trim()}' names no version of Kubernetes");
        return new KubernetesVersion(Number(match, 1), Number(match, 2), Number(match, 3));
    }

    /// <summary>The version of this machine's image, which keeps what <c>kubelet --version</c> printed when it was built.</summary>
    /// <exception cref="IOException">The image has no Kubernetes.</exception>
    /// <exception cref="FormatException">There is no version in the file.</exception>
    public static KubernetesVersion ReadInstalled() =>
        File.Exists(InstalledFile)
            ? Parse(File.ReadAllText(InstalledFile)) : throw new FileNotFoundException(
            $"this image has no Kubernetes: {InstalledFile} is missing");

    public bool IsAtLeast(int major, int minor) => Major > major || (Major == major && Minor >= minor);

    public override string ToString() => $"{Major}.{Minor}.{Patch}";

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"v?(\d{1,3})\.(\d{1,3})\.(\d{1,4})")]
    private static partial Regex Pattern();
}

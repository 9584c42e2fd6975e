using System.Globalization;

namespace Operos.Controller.ControlPlane.Components;

/// <summary>A Kubernetes release by its first two numbers: what flags and API versions hang on.</summary>
internal readonly record struct KubernetesVersion(int Major, int Minor) : IComparable<KubernetesVersion>
{
    /// <summary>Reads what <c>kube-apiserver --version</c> prints, such as <c>Kubernetes v1.20.2</c>; null where it is none.</summary>
    public static KubernetesVersion? Parse(string text)
    {
        var parts = text.Trim().Split(' ')[^1].TrimStart('v').Split('.', '-', '+');
        return parts.Length >= 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var major) && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var minor)
            ? new KubernetesVersion(major, minor) : null;
    }

    public bool IsAtLeast(int minor) => CompareTo(new KubernetesVersion(1, minor)) >= 0;

    public int CompareTo(KubernetesVersion other) => (Major, Minor).CompareTo((other.Major, other.Minor));

    public override string ToString() => $"{Major}.{Minor}";
}

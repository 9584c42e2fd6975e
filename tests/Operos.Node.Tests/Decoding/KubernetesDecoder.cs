using System.Text.Json;
using Operos.Lab;

namespace Operos.Node.Tests.Decoding;

/// <summary>
/// Kubernetes' own newest types and loaders, as a program (<c>tests/checks/kubernetes-files</c>): strict, so that a field which they do not
/// know is an error.
/// </summary>
public sealed class KubernetesDecoder : IAsyncLifetime
{
    /// <summary>Where it must be compiled first, once a month: 60 MB of packages and two minutes of two slow cores.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(9);
    private readonly string folder = Path.Combine(Build.FindRoot(), "out/kubernetes-files");

    public async ValueTask InitializeAsync() => Console.Write(await Shell.RunAsync(
        Path.Combine(Build.FindRoot(), "tests/checks/kubernetes-files/build.sh"), ["--out", folder], default, patience: Patience));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Each file as they understood it, by its name: its kind and its value.</summary>
    /// <param name="load">Whether the loaders of the programs that read them must take them too.</param>
    /// <exception cref="LabException">One is not taken; with what Kubernetes says of each.</exception>
    public async Task<IReadOnlyDictionary<string, (string Kind, JsonElement Value)>> ReadAsync(IEnumerable<string> files, bool load = true)
    {
        var lines = await Shell.RunAsync(Path.Combine(folder, "decode"), load ? ["--load", .. files] : files, default);
        return lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line))
            .ToDictionary(read => Path.GetFileName(read.GetProperty("file").GetString()!),
                read => (read.GetProperty("kind").GetString()!, read.GetProperty("value")));
    }
}

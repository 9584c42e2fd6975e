using System.Security.Cryptography;
using System.Text;
using Operos.Kubernetes;
using Operos.Linux;
using Operos.Linux.Supervision;

namespace Operos.ControlPlane.Components;

/// <summary>
/// A component as a daemon: its unit reads ARGS of <c>/run/operos/kubernetes/NAME.env</c>, and it is healthy when it says so.
/// </summary>
/// <param name="folder">Where the file is.</param>
/// <param name="certificateOf">The file of a certificate of <see cref="Component.ReadOnce"/>.</param>
internal sealed class ComponentDaemon(Component component, string folder, Func<string, string> certificateOf) : IDisposable
{
    private static readonly TimeSpan LongestAilment = TimeSpan.FromMinutes(10);
    private readonly ApiClient client = new(component.Probe);

    public Component Component => component;

    /// <param name="isHealthy">Whether another component works.</param>
    /// <param name="wedged">Is told before it is started again because it does not work.</param>
    public Daemon Describe(Func<string, bool> isHealthy, Action wedged) => new()
    {
        Name = component.Name, Unit = component.Name, Package = component.Name, Program = "/usr/bin/" + component.Name,
        Arguments = component.Arguments, PrepareAsync = PrepareAsync, Running = "healthy",
        RestartsInPlace = true,
        WaitsFor = () => component.Requires is { } needed && !isHealthy(needed) ? $"waits for {needed}" : null,
        Health = new HealthCheck
        {
            AskAsync = AskAsync, Forgiven = TimeSpan.Zero, LongestAilment = LongestAilment,
            // One that never worked is still starting, which a slow machine makes long; to begin anew would make it longer.
            LongestStart = TimeSpan.MaxValue, AnswerSuffices = true, Wedged = wedged,
        },
    };

    public void Dispose() => client.Dispose();

    internal static string Environment(Component component) => $"ARGS={string.Join(' ', component.Arguments)}\n";

    /// <summary>
    /// Of a health report with a line for each check, those that failed (Kubernetes API health endpoints: <c>[-]NAME failed: reason
    /// withheld</c>), however many passed before them.
    /// </summary>
    internal static string Summarise(string report, string otherwise)
    {
        var failed = report.Split('\n').Where(line => line.StartsWith("[-]", StringComparison.Ordinal))
            .Select(line => line[3..].Split(' ')[0]).ToList();
        return failed.Count == 0 ? otherwise : $"not ready yet: {string.Join(", ", failed)}";
    }

    /// <summary>Whether what it reads once is what it was started with.</summary>
    public bool IsCurrent => File.Exists(EnvironmentFile) && File.ReadAllBytes(EnvironmentFile).AsSpan().SequenceEqual(ReadAtStart());

    private string EnvironmentFile => Path.Combine(folder, component.Name + ".env");

    /// <summary>
    /// Its arguments, and in comments, which systemd passes by, the certificates that it reads once: an agent that finds it running knows
    /// whether it has read the present ones.
    /// </summary>
    private byte[] ReadAtStart() => Encoding.UTF8.GetBytes(Environment(component)
        + string.Concat(component.ReadOnce.Select(name => $"# reads {name} {HashOf(certificateOf(name))}\n")));

    private static string HashOf(string path) =>
        File.Exists(path) ? Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))) : "none";

    private Task<DaemonChange> PrepareAsync(bool runs, CancellationToken cancellationToken)
    {
        var changed = AtomicFile.WriteIfChanged(EnvironmentFile, ReadAtStart());
        return Task.FromResult(changed ? DaemonChange.Restart : DaemonChange.None);
    }

    private async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            await client.GetTextAsync(component.ProbePath, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (ApiException e) { return Summarise(e.Body, e.Message); }
    }
}

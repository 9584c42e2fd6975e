using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.ControlPlane.Certificates;
using Operos.ControlPlane.Components;
using Operos.ControlPlane.Configuration;
using Operos.Kubernetes;

namespace Operos.ControlPlane;

/// <summary>
/// Brings the control plane up and keeps it so: certificates and files, then etcd, the API server, the other two; again and again, for
/// any of them may die or start late. What fails is a line of the status and never the controller's end.
/// </summary>
public sealed class ControlPlaneSupervisor(ControlPlaneSettings settings, ControlPlanePaths paths, ClusterSecrets secrets,
    ControlPlaneHealth state, TimeProvider time, ILogger<ControlPlaneSupervisor> logger) : IDisposable
{
    private const string CertificatesPart = "certificates";
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1), RenewalCheck = TimeSpan.FromSeconds(10),
        HealthyProbe = TimeSpan.FromSeconds(5), AilingProbe = TimeSpan.FromSeconds(2), Wedged = TimeSpan.FromMinutes(10);

    private readonly ComponentUnits units = new(paths.Run);
    private readonly ControlPlaneCertificates certificates = new(Path.Combine(paths.Run, "pki"), settings, secrets, time);
    private readonly Dictionary<string, ApiClient> probes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> probed = new(StringComparer.Ordinal);
    private readonly Queue<string> restarts = new();
    private readonly HashSet<string> started = new(StringComparer.Ordinal), worked = new(StringComparer.Ordinal);
    private IReadOnlyList<Component> components = [];
    private DateTimeOffset nextRenewal;

    public IReadOnlyDictionary<string, CertificateLife> ComponentCertificates => certificates.Lives;

    /// <summary>This agent's access to the API server, as <c>system:masters</c> over loopback.</summary>
    public ApiAccess AdminAccess => Describe().AdminAccess(settings.Kubernetes.ApiPort, TimeSpan.FromSeconds(30));

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                if (components.Count == 0) components = Prepare();
                Renew();
                await ConvergeAsync(cancellationToken).ConfigureAwait(false);
                await RestartOneAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException
                or InvalidOperationException or FormatException) { Tell("control plane", false, e.Message); }
            await Task.Delay(Step, time, cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose()
    {
        foreach (var probe in probes.Values) probe.Dispose();
        units.Dispose();
    }

    private ControlPlaneComponents Describe() =>
        new(settings, paths, certificates, secrets, new ComponentFiles(settings, paths, certificates));

    private IReadOnlyList<Component> Prepare()
    {
        var version = KubernetesVersion.ReadInstalled();
        new ComponentFiles(settings, paths, certificates).Write(version);
        Tell("control plane", true, $"Kubernetes v{version}");
        return Describe().For(version);
    }

    private void Renew()
    {
        if (time.GetUtcNow() < nextRenewal) return;
        nextRenewal = time.GetUtcNow() + RenewalCheck;
        var present = certificates.Orders.Keys.Where(name => File.Exists(certificates.Certificate(name))).ToList();
        var renewed = certificates.Renew();
        // Whatever runs has read the one before, also where an agent before us started it; a first certificate has no reader yet.
        foreach (var component in components.Where(component => component.ReadOnce.Intersect(renewed).Intersect(present).Any()))
            restarts.Enqueue(component.Name);
        if (renewed.Count > 0) logger.CertificatesIssued(string.Join(", ", renewed));
        var lives = certificates.Lives;
        var first = lives.MinBy(life => life.Value.Ends);
        Tell(CertificatesPart, true, $"{lives.Count}, the first expires {first.Value.Ends.UtcDateTime:yyyy-MM-dd HH:mm} ({first.Key})");
    }

    private async Task ConvergeAsync(CancellationToken cancellationToken)
    {
        foreach (var component in components)
        {
            // Only its first start waits; one that ran before is not stopped because another one ails.
            if (!started.Contains(component.Name) && component.Requires is { } needed && !state.IsHealthy(needed))
            {
                Tell(component.Name, false, $"waits for {needed}");
                continue;
            }
            var healthy = state.IsHealthy(component.Name);
            if (time.GetUtcNow() - probed.GetValueOrDefault(component.Name) < (healthy ? HealthyProbe : AilingProbe)) continue;
            // What answers runs; whether and why it does not run is asked of the one that does not answer.
            if (!started.Add(component.Name) && healthy) await ProbeAsync(component, cancellationToken).ConfigureAwait(false);
            else await EnsureAsync(component, cancellationToken).ConfigureAwait(false);
            probed[component.Name] = time.GetUtcNow();
        }
    }

    private async Task EnsureAsync(Component component, CancellationToken cancellationToken)
    {
        var problem = await units.EnsureAsync(component, cancellationToken).ConfigureAwait(false);
        if (problem is not null)
            Tell(component.Name, false,
            $"{problem}: {await units.LastWordsAsync(component.Name, cancellationToken).ConfigureAwait(false)}".TrimEnd(' ', ':'));
        else await ProbeAsync(component, cancellationToken).ConfigureAwait(false);
    }

    private async Task ProbeAsync(Component component, CancellationToken cancellationToken)
    {
        if (!probes.TryGetValue(component.Name, out var client)) client = probes[component.Name] = new ApiClient(component.Probe);
        try
        {
            await client.GetTextAsync(component.ProbePath, cancellationToken).ConfigureAwait(false);
            Tell(component.Name, true, "healthy");
            worked.Add(component.Name);
        }
        catch (ApiException e)
        {
            Tell(component.Name, false, Summarise(e.Message));
            // One that never worked is still starting, which a slow machine makes long; to begin anew would make it longer.
            if (worked.Contains(component.Name) && state.Get(component.Name) is { } part && time.GetUtcNow() - part.Since > Wedged
                && (component.Requires is null || state.IsHealthy(component.Requires)))
            {
                logger.RestartsWedged(component.Name, part.Since);
                worked.Remove(component.Name);
                await units.RestartAsync(component, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Of a health report with a line for each check, those that failed (Kubernetes API health endpoints: <c>[-]NAME failed: reason
    /// withheld</c>).
    /// </summary>
    internal static string Summarise(string report)
    {
        var failed = report.Split('\n').Where(line => line.StartsWith("[-]", StringComparison.Ordinal))
            .Select(line => line[3..].Split(' ')[0]).ToList();
        return failed.Count == 0 ? report : $"not ready yet: {string.Join(", ", failed)}";
    }

    /// <summary>One at a time, and only while all else works.</summary>
    private async Task RestartOneAsync(CancellationToken cancellationToken)
    {
        if (restarts.Count == 0 || components.Any(component => !state.IsHealthy(component.Name))) return;
        var name = restarts.Dequeue();
        logger.RestartsForCertificate(name);
        await units.RestartAsync(components.Single(component => component.Name == name), cancellationToken).ConfigureAwait(false);
        state.Set(name, false, "restarts with its new certificate");
    }

    private void Tell(string part, bool healthy, string text)
    {
        if (!state.Set(part, healthy, text)) return;
        if (healthy) logger.PartIsWell(part, text);
        else logger.PartAils(part, text);
    }
}

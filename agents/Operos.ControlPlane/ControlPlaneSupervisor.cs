using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.ControlPlane.Certificates;
using Operos.ControlPlane.Components;
using Operos.ControlPlane.Configuration;
using Operos.Kubernetes;
using Operos.Linux.Supervision;
using Operos.Linux.Tasks;

namespace Operos.ControlPlane;

/// <summary>
/// Brings the control plane up and keeps it so: certificates and files, then etcd, the API server, the other two, each under a
/// <see cref="DaemonSupervisor"/>. What fails is a line of the status and never the controller's end.
/// </summary>
/// <param name="host">Where the components run.</param>
public sealed class ControlPlaneSupervisor(ControlPlaneSettings settings, ControlPlanePaths paths, ClusterSecrets secrets,
    ControlPlaneHealth state, DaemonHost host, TimeProvider time, ILogger<ControlPlaneSupervisor> logger)
{
    private const string Whole = "control plane", CertificatesPart = "certificates";
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1), RenewalCheck = TimeSpan.FromSeconds(10);

    private readonly ControlPlaneCertificates certificates = new(Path.Combine(paths.Run, "pki"), settings, secrets, time);
    private readonly Queue<string> restarts = new();
    private DateTimeOffset nextRenewal;

    public IReadOnlyDictionary<string, CertificateLife> ComponentCertificates => certificates.Lives;

    /// <summary>This agent's access to the API server, as <c>system:masters</c> over loopback.</summary>
    public ApiAccess AdminAccess => Describe().AdminAccess(settings.Kubernetes.ApiPort, TimeSpan.FromSeconds(30));

    /// <summary>What saves etcd's contents while it runs.</summary>
    public EtcdSnapshots Snapshots => new(certificates);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var components = await PrepareAsync(cancellationToken).ConfigureAwait(false);
        state.Expect(components.Select(component => component.Name));
        var daemons = components.Select(component => new ComponentDaemon(component, paths.Run, certificates.Certificate)).ToList();
        try
        {
            var supervisors = daemons.ToDictionary(daemon => daemon.Component.Name, Supervise, StringComparer.Ordinal);
            await TaskGroup.RunAsync(cancellationToken,
            [
                .. supervisors.Select(supervisor => new SupervisedTask(supervisor.Key, supervisor.Value.RunAsync)),
                new("certificates", token => KeepCertificatesAsync(daemons, supervisors, token)),
            ]).ConfigureAwait(false);
        }
        finally
        {
            foreach (var daemon in daemons) daemon.Dispose();
        }
    }

    private ControlPlaneComponents Describe() =>
        new(settings, paths, certificates, secrets, new ComponentFiles(settings, paths, certificates));

    /// <summary>Certificates and files, without which nothing starts; tried again until they are there.</summary>
    private async Task<IReadOnlyList<Component>> PrepareAsync(CancellationToken cancellationToken)
    {
        for (; ; await Task.Delay(Step, time, cancellationToken).ConfigureAwait(false))
        {
            try
            {
                var version = KubernetesVersion.ReadInstalled();
                new ComponentFiles(settings, paths, certificates).Write(version);
                var components = Describe().For(version);
                Renew(components);
                Tell(Whole, true, $"Kubernetes v{version}");
                return components;
            }
            catch (Exception e) when (IsFault(e)) { Tell(Whole, false, e.Message); }
        }
    }

    private DaemonSupervisor Supervise(ComponentDaemon component)
    {
        var name = component.Component.Name;
        var daemon = component.Describe(state.IsHealthy,
            () => logger.RestartsWedged(name, state.Get(name)?.Since ?? time.GetUtcNow()));
        var supervisor = new DaemonSupervisor(daemon, host.Of(daemon), logger);
        supervisor.StatusChanged += (healthy, text) => Tell(name, healthy, text);
        return supervisor;
    }

    private async Task KeepCertificatesAsync(IReadOnlyList<ComponentDaemon> daemons, Dictionary<string, DaemonSupervisor> supervisors,
        CancellationToken cancellationToken)
    {
        List<Component> components = [.. daemons.Select(daemon => daemon.Component)];
        while (true)
        {
            await Task.Delay(Step, time, cancellationToken).ConfigureAwait(false);
            try
            {
                if (time.GetUtcNow() >= nextRenewal) Renew(components);
            }
            catch (Exception e) when (IsFault(e)) { Tell(CertificatesPart, false, e.Message); }
            RestartOne(daemons, supervisors);
        }
    }

    private void Renew(IReadOnlyList<Component> components)
    {
        nextRenewal = time.GetUtcNow() + RenewalCheck;
        var present = certificates.Orders.Keys.Where(name => File.Exists(certificates.Certificate(name))).ToList();
        var renewed = certificates.Renew();
        // Whatever runs has read the one before, also where an agent before us started it; a first certificate has no reader yet.
        foreach (var component in components.Where(component => component.ReadOnce.Intersect(renewed).Intersect(present).Any()))
            if (!restarts.Contains(component.Name)) restarts.Enqueue(component.Name);
        if (renewed.Count > 0) logger.CertificatesIssued(string.Join(", ", renewed));
        var lives = certificates.Lives;
        var first = lives.MinBy(life => life.Value.Ends);
        Tell(CertificatesPart, true, $"{lives.Count}, the first expires {first.Value.Ends.UtcDateTime:yyyy-MM-dd HH:mm} ({first.Key})");
    }

    /// <summary>One at a time, and only while all else works: one that is told to start again is not healthy until it has.</summary>
    private void RestartOne(IReadOnlyList<ComponentDaemon> daemons, Dictionary<string, DaemonSupervisor> supervisors)
    {
        // It may have started since, as one does whose restart an agent before this one still owed.
        while (restarts.TryPeek(out var next) && daemons.First(daemon => daemon.Component.Name == next).IsCurrent) restarts.Dequeue();
        if (restarts.Count == 0 || supervisors.Keys.Any(name => !state.IsHealthy(name))) return;
        if (!supervisors[restarts.Peek()].Restart("restarts with its new certificate")) return;
        logger.RestartsForCertificate(restarts.Dequeue());
    }

    private static bool IsFault(Exception e) => e is IOException or UnauthorizedAccessException or CryptographicException
        or InvalidOperationException or FormatException;

    private void Tell(string part, bool healthy, string text)
    {
        if (!state.Set(part, healthy, text)) return;
        if (healthy) logger.PartIsWell(part, text);
        else logger.PartAils(part, text);
    }
}

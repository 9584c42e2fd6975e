using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.ControlPlane;
using Operos.ControlPlane.Certificates;
using Operos.ControlPlane.Components;
using Operos.ControlPlane.Configuration;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Linux;
using Operos.Linux.Supervision;
using Operos.Linux.Tasks;
using Operos.Node;
using Operos.Proto;

namespace Operos.Controller.Cluster;

/// <summary>The Kubernetes cluster that the controller runs: its control plane, and what machines and operators ask of it.</summary>
internal sealed class KubernetesCluster : IDisposable
{
    private const int MaxName = 253, MaxGroups = 32;

    private readonly ControllerSettings settings;
    private readonly ClusterSecrets secrets;
    private readonly ControlPlaneHealth state;
    private readonly ControlPlaneSupervisor supervisor;
    private readonly ClusterObjects objects;
    private readonly NodeReconciler nodes;
    private readonly PodTroubles troubles;
    private readonly NodeDrain drain;
    private readonly NodeCertificateIssuer certificates;
    private readonly ApiClient client;
    private readonly TimeProvider time;
    private readonly ILogger<KubernetesCluster> logger;

    /// <param name="host">Where the components run; children of this process where it is not given.</param>
    public KubernetesCluster(ControllerSettings settings, ControllerPaths paths, MachineRegistry registry, TimeProvider time,
        ILoggerFactory loggers, DaemonHost? host = null)
    {
        (this.settings, this.time, logger) = (settings, time, loggers.CreateLogger<KubernetesCluster>());
        secrets = ClusterSecrets.OpenOrCreate(paths.ControlPlane.Pki, time);
        (state, OwnNode) = (new ControlPlaneHealth(time), new NodeStepBoard(time));
        supervisor = new ControlPlaneSupervisor(settings.ControlPlane, paths.ControlPlane, secrets, state,
            host ?? DaemonHost.Children(logger), time, loggers.CreateLogger<ControlPlaneSupervisor>());
        client = new ApiClient(supervisor.AdminAccess);
        objects = new ClusterObjects(settings.ControlPlane, paths.ControlPlane, client, state, time, loggers);
        nodes = new NodeReconciler(client, registry, loggers.CreateLogger<NodeReconciler>());
        troubles = new PodTroubles(client);
        drain = new NodeDrain(client, new ApiDiscovery(client), time);
        certificates = new NodeCertificateIssuer(secrets, settings.Kubernetes.CertificateLife);
    }

    /// <summary>The API server as this agent reaches it.</summary>
    public ApiClient Client => client;

    /// <summary>How far the controller's own node is; a worker tells it in its heartbeats.</summary>
    public NodeStepBoard OwnNode { get; }

    /// <summary>Runs until cancelled; the first part that fails ends all.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => TaskGroup.RunAsync(cancellationToken,
        new("components", supervisor.RunAsync), new("objects", objects.RunAsync), new("nodes", nodes.RunAsync),
        new("pods", troubles.RunAsync));

    /// <summary>Waits until the API server works.</summary>
    public Task ApiServerAsync(CancellationToken cancellationToken) => state.UntilHealthyAsync(Component.ApiServer, cancellationToken);

    /// <summary>What a node needs to know.</summary>
    public KubernetesNode Describe() => new()
    {
        ApiServer = settings.ApiServer,
        Authority = secrets.Authority(Issuer.Kubernetes).Pem,
        ClusterDomain = settings.ClusterDomain,
        DnsAddress = settings.Kubernetes.DnsService.ToString(),
        PodNetwork = settings.Kubernetes.PodNetwork.ToString(),
        ServiceNetwork = settings.Kubernetes.ServiceNetwork.ToString(),
        OwnNetwork = settings.Kubernetes.Network == PodNetworkProvider.Operos,
        ControlPort = settings.ControlPort,
        BootPort = settings.HttpPort,
    };

    /// <summary>Certificates of the machine that asks, and of no other.</summary>
    /// <exception cref="CryptographicException">A request is malformed or its purpose unknown.</exception>
    public NodeCertificates Issue(string machine, string address, IssueNodeCertificates request)
    {
        var issued = certificates.Issue(machine, address, request.Requests ?? new Dictionary<string, byte[]>());
        logger.CertificatesIssued(machine, string.Join(", ", issued.Certificates.Keys));
        return issued;
    }

    /// <summary>A client certificate for a person or a program outside.</summary>
    public ApiCredentials Issue(IssueApiCredentials request)
    {
        var groups = request.Groups ?? [];
        if (!IsName(request.User) || !groups.All(IsName) || groups.Count > MaxGroups)
            throw Refusal(RefusalKind.Invalid, "the user's or a group's name is no name",
            $"1 to {MaxName} printable characters without blanks; at most {MaxGroups} groups");
        var life = request.LifeSeconds == 0
            ? CertificateLives.KubernetesUser.Default : TimeSpan.FromSeconds(Math.Clamp(request.LifeSeconds, 0, int.MaxValue));
        if (!CertificateLives.KubernetesUser.Allow(life))
            throw Refusal(RefusalKind.Invalid, "its life is out of bounds",
            "from 1 minute to 24 hours: nobody can take it back; operosctl kubeconfig --renewing takes a new one by itself");
        try
        {
            using var issued = secrets.Authority(Issuer.Kubernetes)
                .SignRequest(request.Csr ?? [], CertificateOrder.Client(Issuer.Kubernetes, request.User, [.. groups]), life);
            return new ApiCredentials { Certificate = issued.RawData, ApiServer = settings.ApiServer,
                Authority = secrets.Authority(Issuer.Kubernetes).Pem, ExpiresUnixMs = new DateTimeOffset(issued.NotAfter)
                .ToUnixTimeMilliseconds() };
        }
        catch (CryptographicException e) { throw Refusal(RefusalKind.Invalid, $"the certificate request is refused: {e.Message}", null); }
    }

    public MachineExplanation Explain(MachineRecord record, string? note, Session? session)
    {
        var node = nodes.Get(record.Id);
        var pods = node is not null && state.IsHealthy(Component.ApiServer) ? troubles.Of(record.Id) : [];
        var reported = record.Kind == "controller" ? OwnNode.Steps : session?.Last?.Steps ?? [];
        return MachineExplainer.Explain(record, note, session?.IsUp(time.GetUtcNow()) == true, reported, state.Get(Component.ApiServer),
            node, pods);
    }

    /// <summary>Takes a machine's pods away, within limits.</summary>
    /// <param name="progress">Told what is still there.</param>
    /// <exception cref="RefusedException">Some would not go, and force was not asked for.</exception>
    public async Task DrainAsync(string machine, DrainLimits limits, Action<string> progress, CancellationToken cancellationToken)
    {
        try
        {
            if (await client.FindAsync(Resources.Nodes, null, machine, cancellationToken).ConfigureAwait(false) is not { } node) return;
            var left = await drain.DrainAsync(machine, NodeReconciler.ReadyCondition(node)?.Status == "True", limits.Time, progress,
                cancellationToken).ConfigureAwait(false);
            if (left.Count > 0 && !limits.Force)
                throw Refusal(RefusalKind.Conflict,
                    $"{left.Count} pods are still on {machine} after {limits.Time.TotalSeconds:0} s: {string.Join("; ", left.Take(5))}",
                    limits.Hint);
        }
        catch (ApiException e) when (limits.Force) { logger.NotDrained(machine, e.Message); }
        catch (ApiException e) { throw Refusal(RefusalKind.Conflict, $"{machine} cannot be drained: {e.Message}",
            "operosctl status says how the API server is; --force goes on all the same"); }
    }

    /// <summary>Lets pods come to a machine again.</summary>
    /// <exception cref="RefusedException">It has no Node, or the API server is away.</exception>
    public async Task UncordonAsync(string machine, CancellationToken cancellationToken)
    {
        try { await drain.UncordonAsync(machine, cancellationToken).ConfigureAwait(false); }
        catch (ApiException e) { throw Refusal(RefusalKind.Conflict, $"{machine} still takes no pods: {e.Message}",
            $"operosctl status says how the API server is; then operosctl machines uncordon {machine}"); }
    }

    /// <summary>Whether its Node takes no pods, as the API server said last.</summary>
    public bool IsCordoned(string machine) => nodes.Get(machine)?.Spec?.Unschedulable == true;

    /// <summary>Deletes a removed machine's Node. Where the API server is away, the reconciler does it later.</summary>
    public async Task ForgetAsync(string machine, CancellationToken cancellationToken)
    {
        try { await client.DeleteAsync(Resources.Nodes.Path(null, machine), cancellationToken).ConfigureAwait(false); }
        catch (ApiException e) { logger.NodeDeletedLater(machine, e.Message); }
    }

    /// <summary>The Kubernetes part of <c>operosctl status</c>.</summary>
    public StatusReply Report(StatusReply status, Func<string, string?> nameOf) => status with
    {
        Components = [.. status.Components, .. state.Parts.Select(Describe)],
        Nodes = [.. nodes.Nodes.OrderBy(node => node.Metadata!.Name, StringComparer.Ordinal)
            .Select(node => (Node: node, Condition: NodeReconciler.ReadyCondition(node))).Select(pair => new NodeSummary
        {
            Id = pair.Node.Metadata!.Name!, Name = nameOf(pair.Node.Metadata.Name!), Ready = pair.Condition?.Status == "True",
            Version = PrintableText.Line(pair.Node.Status?.NodeInfo?.KubeletVersion),
            Text = pair.Condition is { Status: not "True" } condition
                ? MachineExplainer.Said(condition) : pair.Node.Spec?.Unschedulable == true ? "cordoned" : "",
            SinceUnixMs = pair.Condition?.LastTransitionTime is { } since ? new DateTimeOffset(since.ToUniversalTime())
                .ToUnixTimeMilliseconds() : 0,
        })],
        PodsNotRunning = state.IsHealthy(Component.ApiServer) ? troubles.Of(null) : [],
        Expiring = [.. Expiring()],
    };

    public void Dispose() => client.Dispose();

    /// <summary>What should have been renewed and was not; an authority has to be followed by another.</summary>
    private IEnumerable<ExpiringCertificate> Expiring()
    {
        var now = time.GetUtcNow();
        var authorities = Enum.GetValues<Issuer>().Select(issuer => (Name: $"authority {issuer}", secrets.Authority(issuer).Expires))
            .Where(authority => authority.Expires - now < CertificateLives.AuthorityWarning);
        var leaves = supervisor.ComponentCertificates.Where(life => life.Value.IsNeglected(now))
            .Select(life => (Name: life.Key, Expires: life.Value.Ends));
        return authorities.Concat(leaves).Select(found =>
            new ExpiringCertificate { Name = found.Name, ExpiresUnixMs = found.Expires.ToUnixTimeMilliseconds() });
    }

    private static ComponentStatus Describe(ComponentHealth part) => new()
    {
        Name = part.Name, Healthy = part.Healthy, Text = part.Text, SinceUnixMs = part.Since.ToUnixTimeMilliseconds(),
    };

    private static bool IsName(string? text) => text is { Length: > 0 and <= MaxName } && text.All(c => c is > ' ' and < (char)127);

    private static RefusedException Refusal(RefusalKind kind, string text, string? hint) => new(kind, text, hint);
}

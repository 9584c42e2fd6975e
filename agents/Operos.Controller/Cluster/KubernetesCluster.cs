using System.Net;
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
using Operos.Kubernetes.Objects;
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
    private readonly MachineRegistry machines;
    private readonly NodeReconciler nodes;
    private readonly PodTroubles troubles;
    private readonly NodeDrain drain;
    private readonly LocalVolumes volumes;
    private readonly NodeCertificateIssuer certificates;
    private readonly ApiClient client;
    private readonly TimeProvider time;
    private readonly ILogger<KubernetesCluster> logger;

    /// <param name="host">Where the components run; children of this process where it is not given.</param>
    public KubernetesCluster(ControllerSettings settings, ControllerPaths paths, MachineRegistry registry, Sessions sessions,
        TimeProvider time, ILoggerFactory loggers, DaemonHost? host = null)
    {
        (this.settings, this.time, machines, logger) = (settings, time, registry, loggers.CreateLogger<KubernetesCluster>());
        secrets = ClusterSecrets.OpenOrCreate(paths.ControlPlane.Pki, time);
        (state, OwnNode) = (new ControlPlaneHealth(time), new NodeStepBoard(time));
        supervisor = new ControlPlaneSupervisor(settings.ControlPlane, paths.ControlPlane, secrets, state,
            host ?? DaemonHost.Children(logger), time, loggers.CreateLogger<ControlPlaneSupervisor>());
        client = new ApiClient(supervisor.AdminAccess);
        objects = new ClusterObjects(settings.ControlPlane, paths.ControlPlane, client, state, time, loggers);
        nodes = new NodeReconciler(client, registry, sessions, loggers.CreateLogger<NodeReconciler>());
        volumes = new LocalVolumes(client, sessions, registry, loggers.CreateLogger<LocalVolumes>());
        troubles = new PodTroubles(client);
        drain = new NodeDrain(client, new ApiDiscovery(client), time);
        certificates = new NodeCertificateIssuer(secrets, settings.Kubernetes.CertificateLife);
    }

    /// <summary>The API server as this agent reaches it.</summary>
    public ApiClient Client => client;

    /// <summary>Whether the controller is a node too, with routes to all pods.</summary>
    public bool IsNode { get; set; }

    /// <summary>How far the controller's own node is; a worker tells it in its heartbeats.</summary>
    public NodeStepBoard OwnNode { get; }

    /// <summary>Runs until cancelled; the first part that fails ends all.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => TaskGroup.RunAsync(cancellationToken,
        new("components", supervisor.RunAsync), new("objects", objects.RunAsync), new("nodes", nodes.RunAsync),
        new("pods", troubles.RunAsync), new("volumes", volumes.RunAsync));

    /// <summary>Waits until the API server works.</summary>
    public Task ApiServerAsync(CancellationToken cancellationToken) => state.UntilHealthyAsync(Component.ApiServer, cancellationToken);

    /// <summary>Why etcd's contents cannot be saved now; null where they can.</summary>
    public string? WhyNoSnapshot => state.Get(Component.Etcd) switch
    {
        { Healthy: true } => null,
        { } ails => $"etcd: {ails.Text}",
        null => "etcd has not begun yet",
    };

    /// <summary>Saves etcd's contents into a file.</summary>
    /// <exception cref="IOException">They cannot be saved.</exception>
    public Task SaveSnapshotAsync(string file, CancellationToken cancellationToken) =>
        supervisor.Snapshots.SaveAsync(file, cancellationToken);

    /// <summary>Whether a machine can be drained now.</summary>
    public bool CanDrain => state.IsHealthy(Component.ApiServer);

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
        RoutesToPods = IsNode && settings.Kubernetes.Network == PodNetworkProvider.Operos,
        HasCeph = settings.CephEnabled,
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

    /// <param name="goingDown">As for <see cref="Report"/>.</param>
    public MachineExplanation Explain(MachineRecord record, string? note, Session? session, string? goingDown)
    {
        var node = nodes.Get(record.Id);
        var pods = node is not null && state.IsHealthy(Component.ApiServer) ? troubles.Of(record.Id) : [];
        var reported = record.Kind == "controller" ? OwnNode.Steps : session?.Last?.Steps ?? [];
        return MachineExplainer.Explain(record, note, session?.IsUp(time.GetUtcNow()) == true, reported, state.Get(Component.ApiServer),
            node, pods, goingDown ?? MachineExplainer.OfAnotherBoot(node, session?.BootId));
    }

    /// <summary>Takes a machine's pods away, within limits.</summary>
    /// <param name="cordons">Told before new pods are kept off a machine that took some.</param>
    /// <param name="progress">Told what is still there.</param>
    /// <returns>Why it is not empty, in words, where force was asked for; null where it is.</returns>
    /// <exception cref="RefusedException">Some would not go, and force was not asked for.</exception>
    public async Task<string?> DrainAsync(string machine, DrainLimits limits, Action cordons, Action<string> progress,
        CancellationToken cancellationToken)
    {
        try
        {
            var node = await client.FindAsync(Resources.Nodes, null, machine, cancellationToken).ConfigureAwait(false);
            if (node is null) return null;
            if (node.Spec?.Unschedulable != true) cordons();
            var left = await drain.DrainAsync(machine, NodeReconciler.ReadyCondition(node)?.Status == "True", limits.Time, progress,
                cancellationToken).ConfigureAwait(false);
            if (left.Count == 0) return null;
            if (!limits.Force)
                throw Refusal(RefusalKind.Conflict,
                    $"{NodeDrain.Counted(left.Count)} still on {machine} after {limits.Time.TotalSeconds:0} s: "
                    + string.Join("; ", left.Take(5)),
                    limits.Hint);
            return NotDrained(machine, $"not all of its pods had left after {limits.Time.TotalSeconds:0} s: "
                + string.Join("; ", left.Take(5)));
        }
        catch (ApiException e) when (limits.Force) { return NotDrained(machine, $"it could not be drained: {e.Message}"); }
        catch (ApiException e) { throw Refusal(RefusalKind.Conflict, $"{machine} cannot be drained: {e.Message}",
            $"operosctl status says how the API server is; {limits.Hint}"); }
    }

    private string NotDrained(string machine, string why)
    {
        logger.NotDrained(machine, why);
        return why;
    }

    /// <summary>Keeps new pods from coming to a machine.</summary>
    /// <exception cref="RefusedException">It has no Node, or the API server is away.</exception>
    public async Task CordonAsync(string machine, CancellationToken cancellationToken)
    {
        try { await drain.CordonAsync(machine, cancellationToken).ConfigureAwait(false); }
        catch (ApiException e) when (e.Code == HttpStatusCode.NotFound)
        {
            throw Refusal(RefusalKind.Conflict, $"{machine} has no Node, and so no pods", $"operosctl why {machine}");
        }
        catch (ApiException e) { throw Refusal(RefusalKind.Conflict, $"{machine} takes pods as before: {e.Message}",
            "operosctl status says how the API server is"); }
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

    /// <summary>What keeps its Node from being Ready in a boot of the machine; null where it is, and where there is no Node.</summary>
    /// <param name="boot">The kernel's id of it; null where the machine is not connected.</param>
    public string? NotReady(string machine, string? boot) => !nodes.IsComplete ? "the API server has not told yet which Nodes there are"
        : nodes.Get(machine) is { } node ? MachineExplainer.NotReady(node, boot) : null;

    /// <summary>Deletes a removed machine's Node. Where the API server is away, the reconciler does it later.</summary>
    public async Task ForgetAsync(string machine, CancellationToken cancellationToken)
    {
        try { await client.DeleteAsync(Resources.Nodes.Path(null, machine), cancellationToken).ConfigureAwait(false); }
        catch (ApiException e) { logger.NodeDeletedLater(machine, e.Message); }
    }

    /// <summary>The Kubernetes part of <c>operosctl status</c>.</summary>
    /// <param name="goingDown">Why a machine is not Ready whatever its kubelet said last; null where nothing is known of that.</param>
    /// <param name="bootOf">The boot that a machine is in, as its agent says; null where it is not connected.</param>
    public StatusReply Report(StatusReply status, Func<string, string?> nameOf, Func<string, string?> goingDown,
        Func<string, string?> bootOf) => status with
    {
        Components = [.. status.Components, .. state.Parts.Select(Describe)],
        Nodes = [.. nodes.Nodes.Select(node => Describe(node, nameOf(node.Metadata!.Name!), goingDown(node.Metadata.Name!)
                ?? MachineExplainer.OfAnotherBoot(node, bootOf(node.Metadata.Name!))))
            .Concat(Missing()).OrderBy(node => node.Id, StringComparer.Ordinal)],
        Alarms = [.. status.Alarms, .. nodes.Unknown.Select(name => $"the Node {name} is of no machine in the registry, and is left as it "
            + $"is: has it asked to join (operosctl machines)? If it is gone for good: kubectl delete node {name}")],
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

    private NodeSummary Describe(NodeObject node, string? name, string? goingDown)
    {
        var condition = NodeReconciler.ReadyCondition(node);
        return new NodeSummary
        {
            Id = node.Metadata!.Name!, Name = name, Ready = condition?.Status == "True" && goingDown is null,
            Version = PrintableText.Line(node.Status?.NodeInfo?.KubeletVersion),
            Text = goingDown ?? Describe(node, condition) + (state.IsHealthy(Component.ApiServer) ? "" : " (as the API server told last)"),
            SinceUnixMs = condition?.LastTransitionTime is { } since ? new DateTimeOffset(since.ToUniversalTime())
                .ToUnixTimeMilliseconds() : 0,
        };
    }

    private string Describe(NodeObject node, ObjectCondition? condition)
    {
        var text = condition is { Status: not "True" } ? MachineExplainer.Said(condition)
            : node.Spec?.Unschedulable == true ? "cordoned" : "";
        // Named as ours are, so it was one of ours: an operator has to say what becomes of it.
        return !Guid.TryParse(node.Metadata!.Name, out _) || machines.Get(node.Metadata.Name)?.Standing == MachineStanding.Admitted ? text
            : $"{text}{(text.Length > 0 ? "; " : "")}no machine that is admitted";
    }

    /// <summary>Machines that are to be nodes and are none yet; nobody where it is not known which there are.</summary>
    private IEnumerable<NodeSummary> Missing() => !nodes.IsComplete ? [] :
        machines.All.Where(machine => machine.Standing == MachineStanding.Admitted && (IsNode || machine.Kind != "controller")
                && nodes.Get(machine.Id) is null)
            .Select(machine => new NodeSummary { Id = machine.Id, Name = machine.Name, Ready = false,
                Text = $"no Node yet: operosctl why {machine.Name ?? machine.Id}" });

    private ComponentStatus Describe(ComponentHealth part) => new()
    {
        Name = part.Name, Healthy = part.Healthy, Text = part.Text, SinceUnixMs = part.Since.ToUnixTimeMilliseconds(),
        Starting = part.IsStarting(time.GetUtcNow()),
    };

    private static bool IsName(string? text) => text is { Length: > 0 and <= MaxName } && text.All(c => c is > ' ' and < (char)127);

    private static RefusedException Refusal(RefusalKind kind, string text, string? hint) => new(kind, text, hint);
}

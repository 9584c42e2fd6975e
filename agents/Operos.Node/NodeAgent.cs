using System.Net;
using Microsoft.Extensions.Logging;
using Operos.Kubernetes;
using Operos.Linux.Tasks;
using Operos.Linux.Units;
using Operos.Node.Certificates;
using Operos.Node.Cni;
using Operos.Node.Configuration;
using Operos.Node.Network;
using Operos.Node.Policies;
using Operos.Node.Runtime;
using Operos.Policy.Cluster;
using Operos.Proto;

namespace Operos.Node;

/// <summary>
/// Makes a machine a Kubernetes node and keeps it one. It may end at any time: what runs goes on, and the next one takes over.
/// </summary>
/// <param name="source">Where certificates come from.</param>
/// <param name="gate">Answers the CNI plugin.</param>
/// <param name="steps">Is told how far the node is.</param>
/// <param name="policies">Keeps network policies in force; null where nobody does.</param>
public sealed class NodeAgent(NodePaths paths, CertificateSource source, GateServer gate, PolicyGate? policies, NodeStepBoard steps,
    TimeProvider time, ILogger<NodeAgent> logger)
{
    private static readonly TimeSpan Busy = TimeSpan.FromSeconds(2), Idle = TimeSpan.FromSeconds(10),
        NetworkPeriod = TimeSpan.FromSeconds(45), NetworkRetry = TimeSpan.FromSeconds(15),
        FirewallPeriod = TimeSpan.FromSeconds(10), FirewallRetry = TimeSpan.FromSeconds(2);
    private const int RoundsBeforeRegistering = 6;

    /// <summary>
    /// Puts the machine's disks to use, and returns when what a node writes has its place for this boot; after that how they stand. Null
    /// where nobody does: its folders are where they are.
    /// </summary>
    public Func<CancellationToken, Task<NodeDisks>>? Disks { get; init; }

    /// <summary>Runs until cancelled; for changed settings it is cancelled and run again.</summary>
    public async Task RunAsync(NodeSettings settings, CancellationToken cancellationToken)
    {
        steps.Begin([NodeStepBoard.Firewall, NodeStepBoard.Certificates, .. Disks is null ? (string[])[] : [NodeStepBoard.Disks],
            NodeStepBoard.Configuration, NodeStepBoard.Containerd, NodeStepBoard.Memory, NodeStepBoard.Images, NodeStepBoard.Kubelet,
            NodeStepBoard.KubeProxy, NodeStepBoard.Network, NodeStepBoard.Policy]);
        var facts = await ReadFactsAsync(settings, cancellationToken).ConfigureAwait(false);
        using var services = new NodeServices(paths, settings, facts, source, steps, time, logger) { Disks = Disks };
        using var moved = new SemaphoreSlim(0);
        var nodes = new ClusterNodes();
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await TaskGroup.RunAsync(cancellationToken,
            new("firewall", token => KeepFirewallAsync(new NodeFirewall(settings.Cluster, facts.Address), nodes, moved, closed, token)),
            new("services", token => KeepServicesAsync(services, closed.Task, token)),
            new("network", token => FollowNodesAsync(services.Credentials, settings, facts, nodes, moved, token)),
            new("CNI", token => KeepGateAsync(settings, token))).ConfigureAwait(false);
    }

    /// <summary>Sets the routes to other nodes' pods that the boot before had, until the API server tells them.</summary>
    /// <exception cref="NodeException">They cannot be set, or not be read.</exception>
    public Task RecallRoutesAsync(IPNetwork podNetwork, CancellationToken cancellationToken) =>
        PodNetwork.RecallAsync(paths, podNetwork, cancellationToken);

    /// <summary>The machine leaves the cluster: services and pods end, keys are destroyed, nothing of the network stays.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        steps.Clear();
        if (!Directory.Exists(paths.Pki)) return;
        logger.LeavesCluster();
        new NodePki(paths, time).Forget();
        using var units = new Systemd();
        foreach (var service in (string[])[NodeService.Kubelet, NodeService.KubeProxy])
            await TryAsync(service, () => units.StopAsync(service, cancellationToken)).ConfigureAwait(false);
        await TryAsync("pods", () => new PodTasks(paths).KillAsync(cancellationToken)).ConfigureAwait(false);
        await TryAsync("network", () => PodNetwork.ClearAsync(paths, cancellationToken)).ConfigureAwait(false);
        await TryAsync("services' rules", () => ServiceRules.ClearAsync(cancellationToken)).ConfigureAwait(false);
        await TryAsync("firewall", () => NodeFirewall.ClearAsync(cancellationToken)).ConfigureAwait(false);
    }

    private async Task TryAsync(string what, Func<Task> act)
    {
        try { await act().ConfigureAwait(false); }
        catch (Exception e) when (e is NodeException or IOException)
        {
            logger.CannotTakeAway(what, e.Message);
        }
    }

    private async Task<NodeFacts> ReadFactsAsync(NodeSettings settings, CancellationToken cancellationToken)
    {
        while (true)
        {
            try { return await NodeFacts.ReadAsync(settings.Cluster, cancellationToken).ConfigureAwait(false); }
            catch (Exception e) when (e is NodeException or IOException or FormatException)
            {
                if (steps.Set(NodeStepBoard.Configuration, false, e.Message)) logger.ConfigurationFailed(e.Message);
                await Task.Delay(Idle, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Puts it in force before anything of a node runs, and again where somebody took it away.</summary>
    /// <param name="closed">Completes when it is in force for the first time.</param>
    private async Task KeepFirewallAsync(NodeFirewall firewall, ClusterNodes nodes, SemaphoreSlim moved, TaskCompletionSource closed,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            var pause = FirewallPeriod;
            try
            {
                var text = await firewall.ApplyAsync(nodes, cancellationToken).ConfigureAwait(false);
                if (steps.Set(NodeStepBoard.Firewall, true, text)) logger.FirewallInForce();
                closed.TrySetResult();
            }
            catch (Exception e) when (e is NodeException or IOException)
            {
                if (steps.Set(NodeStepBoard.Firewall, false, e.Message)) logger.FirewallFailed(e.Message);
                pause = FirewallRetry;
            }
            await moved.WaitAsync(pause, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task KeepServicesAsync(NodeServices services, Task closed, CancellationToken cancellationToken)
    {
        // No pod starts before the firewall is in force: it could meanwhile open connections to what is to be closed.
        await closed.WaitAsync(cancellationToken).ConfigureAwait(false);
        var settled = false;
        var (pause, before) = (Busy, "");
        while (true)
        {
            var done = await services.RoundAsync(cancellationToken).ConfigureAwait(false);
            // Becoming a node leaves garbage that an idle agent would keep for days; the machine's memory is for its pods.
            if (done && !settled) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
            settled = done;
            // Each round costs the machine CPU that what it waits for needs too: while nothing moves, rounds come farther apart.
            var now = string.Join(',', steps.Steps.Select(step => step.Done));
            pause = now != before ? Busy : TimeSpan.FromTicks(Math.Min((pause * 1.5).Ticks, Idle.Ticks));
            before = now;
            await Task.Delay(done ? Idle : pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task FollowNodesAsync(Task credentials, NodeSettings settings, NodeFacts facts, ClusterNodes nodes, SemaphoreSlim moved,
        CancellationToken cancellationToken)
    {
        steps.Set(NodeStepBoard.Network, false, "waits for certificates");
        await credentials.WaitAsync(cancellationToken).ConfigureAwait(false);
        using var client = new ApiClient(Access(settings));
        using var changed = new SemaphoreSlim(1);
        await TaskGroup.RunAsync(cancellationToken,
            new("nodes", token => nodes.FollowAsync(client, () => { Signal(changed); Signal(moved); }, token)),
            new("registration", token => KeepRegisteredAsync(nodes, settings.Name, token)),
            new("policies", token => policies is not null && settings.Cluster.OwnNetwork
                ? policies.RunAsync(settings.Name, NameServer(settings.Cluster), client, token)
                : Task.Delay(Timeout.InfiniteTimeSpan, time, token)),
            new("pod network", token => settings.Cluster.OwnNetwork
                ? ApplyNetworkAsync(new PodNetwork(paths, settings, facts.Address), settings.Name, nodes, changed, token)
                : ClearNetworkAsync(token))).ConfigureAwait(false);
    }

    /// <summary>A kubelet registers its Node once, when it starts: one that was deleted under it stays away until then.</summary>
    private async Task KeepRegisteredAsync(ClusterNodes nodes, string name, CancellationToken cancellationToken)
    {
        var files = new NodeFiles(paths);
        for (var absent = 0; ; absent = nodes.IsAbsent(name) && IsDone(NodeStepBoard.Kubelet) ? absent + 1 : 0)
        {
            if (absent >= RoundsBeforeRegistering)
            {
                logger.KubeletStartsAgain(name);
                files.MarkStale(NodeService.Kubelet);
                absent = 0;
            }
            if (nodes.Problem is null) steps.SetReady(nodes.All.FirstOrDefault(node => node.Name == name)?.IsReady);
            await Task.Delay(Idle, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool IsDone(string step) => steps.Steps.Any(known => known.Name == step && known.Done);

    private async Task ClearNetworkAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await PodNetwork.ClearAsync(paths, cancellationToken).ConfigureAwait(false);
                break;
            }
            catch (Exception e) when (e is NodeException or IOException)
            {
                if (steps.Set(NodeStepBoard.Network, false, $"ours is not all gone: {e.Message}")) logger.NetworkFailed(e.Message);
                await Task.Delay(NetworkRetry, time, cancellationToken).ConfigureAwait(false);
            }
        }
        steps.Set(NodeStepBoard.Network, true, "an add-on's");
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
    }

    private async Task ApplyNetworkAsync(PodNetwork network, string name, ClusterNodes nodes, SemaphoreSlim changed,
        CancellationToken cancellationToken)
    {
        var pause = TimeSpan.Zero;
        while (true)
        {
            await changed.WaitAsync(pause, cancellationToken).ConfigureAwait(false);
            if (nodes.All.FirstOrDefault(node => node.Name == name)?.Pods is { } pods) policies?.SetPods(name, pods);
            try
            {
                if (steps.Set(NodeStepBoard.Network, true, await network.ApplyAsync(nodes, cancellationToken).ConfigureAwait(false)))
                    logger.NetworkDone();
                pause = NetworkPeriod;
            }
            catch (Exception e) when (e is NodeException or IOException or UnauthorizedAccessException or FormatException)
            {
                if (steps.Set(NodeStepBoard.Network, false, e.Message)) logger.NetworkFailed(e.Message);
                pause = NetworkRetry;
            }
        }
    }

    /// <summary>Without our network our plugin is not called, and the gate stays shut.</summary>
    private async Task KeepGateAsync(NodeSettings settings, CancellationToken cancellationToken)
    {
        if (settings.Cluster.OwnNetwork)
            await gate.RunAsync(() =>
            steps.Set(NodeStepBoard.Policy, policies is null, policies is null ? "" : "waits for certificates"),
            cancellationToken).ConfigureAwait(false);
        steps.Set(NodeStepBoard.Policy, true, "an add-on's");
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// How the node's agent reaches the API server: with a certificate that may read nodes, pods, namespaces and policies.
    /// </summary>
    public ApiAccess Access(NodeSettings settings) => new()
    {
        Server = new Uri(settings.Cluster.ApiServer),
        AuthorityFile = paths.AuthorityFile,
        CertificateFile = paths.Credential(NodeCertificate.Agent),
        KeyFile = paths.Credential(NodeCertificate.Agent),
        Agent = "operos-node",
    };

    /// <summary>It runs on the controller, at the API server's address.</summary>
    private static ClusterNameServer? NameServer(KubernetesNode cluster) =>
        IPAddress.TryParse(new Uri(cluster.ApiServer).Host, out var server) && IPAddress.TryParse(cluster.DnsAddress, out var service)
            ? ClusterNameServer.At(server, service) : null;

    private static void Signal(SemaphoreSlim changed)
    {
        if (changed.CurrentCount == 0) changed.Release();
    }
}

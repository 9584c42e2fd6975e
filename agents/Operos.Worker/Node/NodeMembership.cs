using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Linux.Tasks;
using Operos.Node;
using Operos.Node.Cni;
using Operos.Node.Memory;
using Operos.Node.Policies;
using Operos.Proto;
using Operos.Proto.Connection;
using Operos.Release;
using Operos.Worker.Configuration;
using Operos.Worker.Disks;

namespace Operos.Worker.Node;

/// <summary>
/// Keeps this machine the Kubernetes node that the controller wants it to be. Without a wish nothing of it runs; a controller that is
/// away, or does not admit this machine, changes nothing: only that an operator removed it does.
/// </summary>
internal sealed class NodeMembership(WorkerSettings settings, DiskKeeper disks, ILoggerFactory loggers) : BackgroundService
{
    private readonly ILogger<NodeMembership> logger = loggers.CreateLogger<NodeMembership>();
    private readonly NodePaths paths = new();
    private readonly NodeStepBoard steps = new(TimeProvider.System);
    private readonly SemaphoreSlim changed = new(0);
    private volatile ControlConnection? controller;
    private volatile NodeSettings? wanted;
    private volatile bool leaving;

    /// <summary>How far the node is; empty where there is none to be.</summary>
    public IReadOnlyList<NodeStep> Steps => steps.Steps;

    /// <summary>Why its Node is not Ready; null where it is.</summary>
    public string? NotReady => steps.NotReady;

    /// <summary>The name of the Node that this machine is; null where it is none.</summary>
    public string? Node => wanted?.Name;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (settings.Apply && MembershipRecord.Read(settings.StateFolder) is { } known)
        {
            wanted = Settings(known.Name, known.Cluster);
            changed.Release();
        }
        return base.StartAsync(cancellationToken);
    }

    /// <summary>What the controller answered to a heartbeat.</summary>
    public void Follow(ControlConnection connection, NodeConfiguration configuration)
    {
        controller = connection;
        if (!settings.Apply) return;
        if (configuration.Kubernetes == wanted?.Cluster && (wanted is null || configuration.Hostname == wanted.Name)) return;
        wanted = configuration.Kubernetes is { } cluster ? Settings(configuration.Hostname, cluster) : null;
        leaving = false;
        Keep(() =>
        {
            if (configuration.Kubernetes is { } joined)
                new MembershipRecord { Name = configuration.Hostname, Cluster = joined }.Write(settings.StateFolder);
            else MembershipRecord.Forget(settings.StateFolder);
        });
        changed.Release();
    }

    /// <summary>An operator removed this machine: its services and pods end.</summary>
    public void Leave()
    {
        if (!settings.Apply || leaving) return;
        wanted = null;
        leaving = true;
        Keep(() => MembershipRecord.Forget(settings.StateFolder));
        changed.Release();
    }

    /// <summary>What the next agent is to know; where it cannot be kept, this one goes on all the same.</summary>
    private void Keep(Action write)
    {
        try { write(); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
        {
            logger.MembershipNotKept(e.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        NodeAgent? agent = null;
        try
        {
            while (true)
            {
                await changed.WaitAsync(stoppingToken).ConfigureAwait(false);
                if (wanted is { } node) await RunUntilChangedAsync(agent ??= NewAgent(), node, stoppingToken).ConfigureAwait(false);
                else if (leaving && Directory.Exists(paths.Pki))
                    await (agent ??= NewAgent()).LeaveAsync(stoppingToken).ConfigureAwait(false);
                else steps.Clear();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    private async Task RunUntilChangedAsync(NodeAgent agent, NodeSettings node, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var run = agent.RunAsync(node, ended.Token);
        var news = changed.WaitAsync(ended.Token);
        await Task.WhenAny(run, news).ConfigureAwait(false);
        if (news.IsCompletedSuccessfully) changed.Release();
        await ended.CancelAsync().ConfigureAwait(false);
        try { await run.ConfigureAwait(false); }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { }
        // It was told to end: what failed meanwhile is said, and the next one begins.
        catch (TaskGroupException e) when (news.IsCompletedSuccessfully || cancellationToken.IsCancellationRequested)
        {
            logger.NodeEndedBadly(e.Message);
        }
    }

    private NodeAgent NewAgent()
    {
        var pods = new AttachedPods(paths.AttachedPods);
        var policies = new PolicyGate(pods, steps, loggers.CreateLogger<PolicyGate>());
        var gate = new GateServer(paths, pods, policies, loggers.CreateLogger<GateServer>());
        return new NodeAgent(paths, AskAsync, gate, policies, steps, TimeProvider.System, loggers.CreateLogger<NodeAgent>())
            { Disks = disks.ForNodeAsync };
    }

    private async Task<IReadOnlyDictionary<string, byte[]>> AskAsync(
        IReadOnlyDictionary<string, byte[]> requests, CancellationToken cancellationToken)
    {
        if (controller is not { } connection) throw new NodeException("the controller is not connected");
        try { return (await connection.CallAsync<NodeCertificates>(
            new IssueNodeCertificates { Requests = requests }, cancellationToken).ConfigureAwait(false)).Certificates; }
        catch (Exception e) when (e is IOException or TimeoutException or ControlFaultException) { throw new NodeException(e.Message, e); }
    }

    private NodeSettings Settings(string name, KubernetesNode cluster)
    {
        var boot = settings.BootRecord.Length == 0 ? null : JsonSerializer.Deserialize(settings.BootRecord, ReleaseJson.Default.BootRecord);
        var memory = MemoryPlan.Make(NodeVitals.ReadMemory("MemTotal"), boot?.Layers.Sum(layer => layer.Bytes) ?? 0);
        return new NodeSettings
        {
            Name = name,
            Cluster = cluster,
            ReservedMemoryBytes = memory.Reserved,
            Memory = memory,
            Labels = boot is null ? new Dictionary<string, string>()
                : new Dictionary<string, string> { ["operos.io/release"] = boot.Release },
        };
    }
}

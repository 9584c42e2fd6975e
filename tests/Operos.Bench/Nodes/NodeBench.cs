using Operos.Lab;

namespace Operos.Bench.Nodes;

/// <summary>
/// From power-on to a node that runs pods: a worker from the network against the same packages preinstalled on a disk and joined with
/// kubeadm.
/// One control plane, one machine, one guest at a time, in turn; all is seen from outside.
/// </summary>
internal sealed class NodeBench : IDisposable
{
    private const int Rounds = 2;
    private const double Goal = 1.25;
    private static readonly string[] Components = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
        "built-in objects"];

    /// <summary>Many times what a boot takes on two idle cores without KVM.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly Build build;
    private readonly LabFolder folder;
    private readonly NativeCluster cluster;
    private readonly Kubectl kubectl;

    private NodeBench(Build build, LabFolder folder, NativeCluster cluster, Kubectl kubectl) =>
        (this.build, this.folder, this.cluster, this.kubectl) = (build, folder, cluster, kubectl);

    public static async Task<IEnumerable<Row>> RunAsync(Build build)
    {
        if (!build.HasKubernetes) return [new Row("node", "not measured", "", "the layers are without Kubernetes")];
        Console.Error.WriteLine("bench: nodes, a worker from the network and kubeadm's from its disk in turn");
        using var folder = LabFolder.Create(Path.Combine(build.Out, "bench"), "node");
        using var bench = await StartAsync(build, folder);
        var disk = await KubeadmDisk.MakeAsync(build, folder, bench.cluster, bench.kubectl, default);
        return await bench.MeasureAsync(disk);
    }

    public void Dispose() => cluster.Dispose();

    private static async Task<NodeBench> StartAsync(Build build, LabFolder folder)
    {
        // The controller alone. No menu: the disk's loader shows none either.
        var cluster = await NativeCluster.StartAsync(build, folder, new NativeClusterOptions { Workers = 0, MenuSeconds = 0 }, default);
        try
        {
            var wait = new Wait("the control plane is healthy, the controller's own node is Ready", Patience) { LooksAgain = true };
            await wait.UntilAsync(async () =>
                await cluster.StatusAsync(default) is { ReadyNodes.Count: 1 } status && status.AreHealthy(Components));
            var kubectl = await Kubectl.CreateAsync(build, folder, cluster.Network, cluster.Admin, default);
            // Without it no pod is admitted.
            await kubectl.WaitAsync(_ => true, Patience, default, "get", "serviceaccount", "default");
            return new NodeBench(build, folder, cluster, kubectl);
        }
        catch
        {
            cluster.Dispose();
            throw;
        }
    }

    private async Task<IEnumerable<Row>> MeasureAsync(KubeadmDisk disk)
    {
        List<(NodeTimes Ours, NodeTimes Theirs)> joins = [], returns = [];
        NodeMemory? ours = null, theirs = null;
        for (var round = 0; round <= Rounds; round++)
        {
            // The first fills the page cache.
            var last = round == Rounds;
            var (worker, workerMemory) = await BootAsync(NodeContender.Worker(), round, last);
            var contender = await disk.NewNodeAsync(round, default);
            var (joined, joinedMemory) = await BootAsync(contender, round, last);
            if (round == 0) continue;
            joins.Add((worker, joined));
            // It has nobody to ask, and what its console shows of units ends with the login prompt.
            returns.Add((worker, (await BootAsync(contender with { Name = contender.Name + "-again", Enters = NodeContender.SystemStarts },
                round, false)).Times));
            (ours, theirs) = (workerMemory, joinedMemory);
        }
        return
        [
            Compare("node, power-on to Ready", joins, times => times.Ready, "kubeadm joins", Goal),
            Compare("node, power-on to first pod running", joins, times => times.Pod, "kubeadm joins"),
            Phase("  firmware and boot loader", joins, times => times.Kernel),
            Phase("  kernel, to the root's systemd", joins, times => times.System - times.Kernel),
            Phase("  to enrolled; joined", joins, times => times.Entered - times.System),
            Phase("  to Ready", joins, times => times.Ready - times.Entered),
            Compare("node, power-on to Ready", returns, times => times.Ready, "has joined"),
            Compare("node, power-on to first pod running", returns, times => times.Pod, "has joined"),
            .. NodeMemory.Compare(ours!, theirs!),
        ];
    }

    /// <summary>Switches a machine on that the cluster has no Node of; when what happened, and its memory once it has idled.</summary>
    private async Task<(NodeTimes Times, NodeMemory? Memory)> BootAsync(NodeContender contender, int round, bool idle)
    {
        await FirstPod.DeclareAsync(kubectl, folder);
        using var watch = new ClusterWatch(build, cluster.Network, folder, kubectl.Kubeconfig, $"{contender.Name}-{round}");
        using var machines = new MachineGroup();
        var machine = await machines.StartAsync(contender.Machine(round), cluster.Network, folder, default);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            var kernel = Seen(clock, machine.Console, NodeContender.KernelStarts);
            var system = Seen(clock, machine.Console, NodeContender.SystemStarts);
            var entered = Seen(clock, machine.Console, contender.Enters);
            var ready = Seen(clock, watch.Nodes, @"^(?:ADDED|MODIFIED) \S+ True$");
            var pod = Seen(clock, watch.Pods, $"^(?:ADDED|MODIFIED) {FirstPod.Name} Running$");
            await machines.RunAsync(_ => Task.WhenAll(kernel, system, entered, ready, pod), default);
            var times = new NodeTimes((await kernel).At, (await system).At, (await entered).At, (await ready).At, (await pod).At);
            Console.Error.WriteLine(
                $"bench:   {machine.Options.Name,-16} {times}, the host's load "
                + $"{HostLoad.LastMinute()}{(round == 0 ? "  (not counted)" : "")}");
            var memory = idle ? await FirstPod.MemoryAsync(kubectl, Patience) : null;
            if (memory is not null) Console.Error.WriteLine($"bench:   {machine.Options.Name,-16} {memory}");
            return (times, memory);
        }
        catch (LabException e) { throw new LabException(
            $"{e.Message}\n{machines.Describe(e.Message)}\nthe controller's log: {cluster.Controller.ConsolePath}"); }
        finally
        {
            machine.Dispose();
            await ForgetAsync();
        }
    }

    /// <summary>As if there had never been one: the next boot enrols, and registers its Node.</summary>
    private async Task ForgetAsync()
    {
        foreach (var worker in await cluster.WorkersAsync(default))
            await cluster.CtlAsync(default, "machines", "remove", worker.Id, "--yes", "--force", "--drain-seconds", "1");
        await kubectl.RunAsync(default, "delete", "nodes", "--selector", ClusterWatch.NotController);
        await FirstPod.RemoveAsync(kubectl);
    }

    private static async Task<(double At, string Line)> Seen(System.Diagnostics.Stopwatch clock, SerialLog log, string pattern)
    {
        var match = await log.WaitForAsync(pattern, Patience, default);
        return (clock.Elapsed.TotalSeconds, match.Value);
    }

    private static Row Compare(string what, List<(NodeTimes Ours, NodeTimes Theirs)> rounds, Func<NodeTimes, double> time, string peer,
        double? goal = null)
    {
        var ratios = rounds.Select(round => time(round.Ours) / time(round.Theirs)).Order().ToList();
        var text = $"{peer}: ratio {ratios.Average():0.00} ({ratios[0]:0.00} to {ratios[^1]:0.00} pair by pair)";
        return new Row(what, Seconds(rounds.Average(round => time(round.Ours))),
            $"disk {Seconds(rounds.Average(round => time(round.Theirs)))}", goal is null ? text : $"{text}, at most {goal}", goal is null
            ? null : ratios.Average() <= goal);
    }

    private static Row Phase(string what, List<(NodeTimes Ours, NodeTimes Theirs)> rounds, Func<NodeTimes, double> time) =>
        new(what, Seconds(rounds.Average(round => time(round.Ours))), $"disk {Seconds(rounds.Average(round => time(round.Theirs)))}");

    private static string Seconds(double seconds) => $"{seconds:0.0} s";
}

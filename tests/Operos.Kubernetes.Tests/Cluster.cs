using System.Diagnostics;
using Operos.Lab;

[assembly: AssemblyFixture(typeof(Operos.Kubernetes.Tests.Cluster))]
[assembly: TestCollectionOrderer(typeof(Operos.Kubernetes.Tests.CollectionOrder))]
// They wait: each of those that may run beside each other does.
[assembly: Xunit.v3.Parallelization(MaxThreads = 8)]

namespace Operos.Kubernetes.Tests;

/// <summary>
/// The native cluster: a controller and two workers of the real layers under systemd. It is booted once for all tests, and each leaves it
/// whole: every component healthy, three nodes Ready.
/// </summary>
/// <remarks>
/// Classes of no collection run beside each other, and first; those of <see cref="FirstKubelet"/> too, but one after the other. They wait,
/// most of them for a minute that a real program takes, and bear with a node or an agent that another of them has taken away. All others
/// want the cluster for themselves: <see cref="Alone"/>. What takes ten minutes comes when they are through: <see cref="Last"/>.
/// </remarks>
public sealed class Cluster : IAsyncLifetime
{
    public const string Alone = "alone", Last = "last";
    /// <summary>Tests that ask by the first worker's kubelet: a kubectl exec that a kubelet's end cuts off waits 30 s and fails.</summary>
    public const string FirstKubelet = "first kubelet";
    public static readonly IReadOnlyList<string> Components = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly Build build = new();
    private int applied;
    private LabFolder folder = null!;
    private NativeCluster native = null!;
    private string admin = "";

    public LabNetwork Network => native.Network;
    public NativeMachine Controller => native.Controller;
    public NativeMachine One => native.Workers[0];
    public NativeMachine Two => native.Workers[1];
    public TimeSpan TimeToHealthy { get; private set; }
    public TimeSpan TimeToReady { get; private set; }
    public string AddOns => Path.Combine(native.State, "add-ons");

    /// <summary>The controller's record of each machine.</summary>
    public string MachineRecords => Path.Combine(native.State, "machines");

    /// <summary>The authorities of Kubernetes, with their keys.</summary>
    public string Authorities => Path.Combine(native.State, "pki/kubernetes");

    /// <summary>The components' certificates, where the controller has them.</summary>
    public const string Pki = "/run/operos/kubernetes/pki";

    public async ValueTask InitializeAsync()
    {
        folder = LabFolder.Create(Path.Combine(build.Out, "test"), "native-cluster");
        try
        {
            var clock = Stopwatch.StartNew();
            // Whoever is new waits for an operator, as a machine does that was removed.
            native = await NativeCluster.StartAsync(build, folder, new NativeClusterOptions { Admission = "approve" }, default);
            await UntilAsync("the control plane is healthy", async () => (await StatusAsync()).AreHealthy(Components));
            TimeToHealthy = clock.Elapsed;
            await WholeAsync();
            TimeToReady = clock.Elapsed;
            admin = await KubeconfigAsync("admin", "--life", "1h");
            // Without it no pod is admitted.
            await UntilAsync("there is a default service account",
                async () => (await KubectlAsync("get serviceaccount default -o name")) != "");
        }
        catch (Exception e)
        {
            var told = native is null ? "" : await native.DescribeAsync();
            await DisposeAsync();
            throw new LabException($"{e.Message}\n{told}");
        }
    }

    public ValueTask DisposeAsync()
    {
        native?.Dispose();
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The controller's disk is lost: another is in its place, that knows of nothing.</summary>
    public Task ReplaceControllerAsync() => native.ReplaceControllerAsync(default);

    public Task RestartControllerAsync() => native.RestartControllerAsync(default);

    public string PathOf(string name) => folder[name];

    /// <summary>What an operator would ask when something is wrong.</summary>
    public Task<string> DescribeAsync() => native.DescribeAsync();

    /// <summary>Has a kubeconfig issued; answers with its path.</summary>
    public async Task<string> KubeconfigAsync(string name, params string[] arguments)
    {
        var path = folder[name + ".kubeconfig"];
        await CtlAsync(["kubeconfig", "--out", path, .. arguments]);
        return path;
    }

    public Task<string> CtlAsync(params string[] arguments) => native.CtlAsync(default, arguments);

    /// <summary>operosctl with another operator's credentials.</summary>
    public Task<string> CtlAsAsync(string credentials, params string[] arguments) =>
        Network.RunAsync(build.Binary("operosctl"), [.. arguments, "--config", credentials, "--timeout", "60"], default);

    /// <summary>The id of a machine, which is its Node's name.</summary>
    public Task<string> IdOfAsync(NativeMachine machine) =>
        Until($"the controller knows {machine.Name}", Patience).ForAsync<string>(async () => await native.IdOfAsync(machine, default));

    public Task<IReadOnlyList<ClusterMachine>> WorkersAsync() => native.WorkersAsync(default);

    /// <summary>Lets in one worker that waits.</summary>
    public Task ApproveAsync() => native.ApproveAsync(1, default);

    /// <summary>kubectl as administrator, or with another kubeconfig.</summary>
    public Task<string> KubectlAsync(string arguments, string? kubeconfig = null) => KubectlAsync(arguments.Split(' '), kubeconfig);

    public Task<string> KubectlAsync(IEnumerable<string> arguments, string? kubeconfig = null) =>
        Network.RunAsync(Path.Combine(build.Out, "kubernetes/bin/kubectl"),
            ["--kubeconfig", kubeconfig ?? admin, "--cache-dir", folder["kubectl-cache"], "--request-timeout=30s", .. arguments], default,
            // One that hangs all the same ends before its item does.
            patience: Patience);

    public async Task ApplyAsync(string yaml)
    {
        const string NoAccount = "serviceaccount \"default\" not found";
        var file = folder[$"apply-{Interlocked.Increment(ref applied)}.yaml"];
        await File.WriteAllTextAsync(file, yaml);
        // A namespace is made in a moment, its service account by a component that may have just begun: no pod is let in before.
        await new Wait($"{file} is applied", Patience) { Pause = TimeSpan.FromSeconds(0.5) }.UntilAsync(async () =>
        {
            try { await KubectlAsync($"apply -f {file}"); }
            catch (LabException e) when (e.Message.Contains(NoAccount, StringComparison.Ordinal)) { return false; }
            return true;
        });
    }

    /// <summary>What kubectl says when it is refused.</summary>
    public async Task<string> RefusedAsync(string arguments, string? kubeconfig = null) =>
        (await Assert.ThrowsAsync<LabException>(() => KubectlAsync(arguments, kubeconfig))).Message;

    /// <summary>A worker's agent beside the machines, without a kubelet, until it is cancelled.</summary>
    public Task<string> WorkerAsync(string inventory, string state, CancellationToken cancellationToken) =>
        Network.RunAsync(build.Binary("operos-worker"),
            [
                "run", "--control", $"{NativeController.Address}:7443", "--ca", folder["setup/admin/ca.crt"], "--inventory", inventory,
                "--state-dir", state, "--no-apply",
            ], cancellationToken, check: false);

    public async Task<ClusterStatus> StatusAsync() => new(await CtlAsync("status", "--json"));

    /// <summary>
    /// Waits until every part of the control plane is healthy, and answers: of what was killed a moment ago it is still said that it is.
    /// </summary>
    public Task HealthyAsync() => UntilAsync("the control plane is healthy", async () =>
        (await StatusAsync()).AreHealthy(Components.Append("built-in objects")) && await KubectlAsync("get --raw /readyz") == "ok");

    /// <summary>Waits until all that the controller runs is healthy, and its node and the workers' are Ready.</summary>
    public Task WholeAsync() => UntilAsync("all is healthy, three nodes are Ready and take pods", async () =>
    {
        var status = await StatusAsync();
        if (status is not { IsHealthy: true, ReadyNodes.Count: 3 }) throw new LabException(status.ToString());
        // A node that was not Ready keeps off pods for a while after it is.
        var taints = admin.Length == 0 ? "" : await KubectlAsync("get nodes -o jsonpath={.items[*].spec.taints[*].key}");
        if (taints.Contains("node.kubernetes.io/", StringComparison.Ordinal)) throw new LabException($"nodes have taints: {taints}");
        return true;
    });

    public static Task UntilAsync(string what, Func<Task<bool>> holds) => UntilAsync(what, Patience, holds);

    public static Task UntilAsync(string what, TimeSpan patience, Func<Task<bool>> holds) =>
        Until(what, patience).UntilAsync(holds);

    private static Wait Until(string what, TimeSpan patience) =>
        new(what, patience) { Pause = TimeSpan.FromSeconds(0.5), LooksAgain = true };

    /// <summary>The main process of a component.</summary>
    public Task<int> ProcessOfAsync(string component) => Controller.ProcessOfAsync(component + ".service", default);

    public async Task<IReadOnlyDictionary<string, int>> ProcessesAsync()
    {
        var processes = new Dictionary<string, int>();
        foreach (var component in Components) processes[component] = await ProcessOfAsync(component);
        return processes;
    }

    /// <summary>Ends the main process of a unit as a crash does, and waits until another is in its place.</summary>
    public static async Task CrashAsync(NativeMachine machine, string unit)
    {
        var before = await machine.ProcessOfAsync(unit, default);
        await machine.KillAsync(unit, default);
        await UntilAsync($"{unit} of {machine.Name} is another process",
            async () => await machine.ProcessOfAsync(unit, default) is var now && now != 0 && now != before);
    }
}

[CollectionDefinition(Cluster.Alone, DisableParallelization = true)]
public sealed class AloneCollection;

[CollectionDefinition(Cluster.Last, DisableParallelization = true)]
public sealed class LastCollection;

[CollectionDefinition(Cluster.FirstKubelet)]
public sealed class FirstKubeletCollection;

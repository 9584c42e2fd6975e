using System.Text.Json;
using Operos.Lab;

namespace Operos.Demo;

/// <summary>The lab's cluster, as `make demo` shows it: it runs until Ctrl-C.</summary>
internal sealed class VirtualCluster : IAsyncDisposable
{
    private static readonly TimeSpan SamplePatience = TimeSpan.FromMinutes(5);

    /// <summary>The view stands still meanwhile.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(2);

    private readonly Cluster cluster;

    private VirtualCluster(Cluster cluster) => this.cluster = cluster;

    /// <summary>Consoles, QEMU's logs and command lines; they stay when the cluster is gone.</summary>
    public static string LogFolder => Path.Combine(Build.FindRoot(), "out/demo/rack");

    public IReadOnlyList<VirtualMachine> Machines => cluster.Machines;
    public bool HasKubernetes => cluster.Build.HasKubernetes;

    /// <summary>Whether a guest or its QEMU came to a stop by itself.</summary>
    public bool GuestFailed => cluster.Failure.IsCompleted;

    /// <summary>Sets a controller up; nothing is switched on yet.</summary>
    public static async Task<VirtualCluster> CreateAsync(Build build, CancellationToken cancellationToken)
    {
        OperatorPrograms.Write(Path.Combine(build.Out, "demo"), LogFolder, build);
        Console.WriteLine("demo: setting a controller up and writing its disk; out/demo/operosctl says how far it is");
        var folder = LabFolder.Create(Path.Combine(build.Out, "demo"), "rack");
        return new VirtualCluster(await Cluster.CreateAsync(build, folder, new Budget(Timeout.InfiniteTimeSpan, cancellationToken)));
    }

    /// <summary>Runs what is done with the cluster; it ends as soon as a guest fails.</summary>
    public Task RunAsync(Func<CancellationToken, Task> body) => cluster.RunAsync(() => body(cluster.Token));

    public Task PowerOnControllerAsync() => cluster.PowerOnControllerAsync();

    public Task PowerOnWorkersAsync() => cluster.PowerOnWorkersAsync();

    /// <summary>State of each machine that the controller knows; empty while it does not answer.</summary>
    public async Task<IReadOnlyList<(string Kind, string State)>> AskAsync()
    {
        try { return [.. (await cluster.ListAsync(AnswerPatience)).Select(machine => (machine.Kind, machine.State))]; }
        catch (Exception e) when (e is LabException or JsonException) { return []; }
    }

    /// <summary>How the cluster is; null where the controller does not answer.</summary>
    public async Task<ClusterStatus?> AskStatusAsync()
    {
        try { return new ClusterStatus(await cluster.CtlAsync("status", "--json")); }
        catch (LabException) { return null; }
    }

    /// <summary>Runs a service with a pod on each worker and asks it from one of them.</summary>
    public async Task RunSampleAsync(CancellationToken cancellationToken)
    {
        await cluster.IssueKubeconfigAsync();
        var kubectl = cluster.Kubectl;
        Console.WriteLine($"\n$ kubectl get nodes\n{await kubectl.RunAsync(cancellationToken, "get", "nodes", "-o", "wide")}");
        Console.WriteLine($"demo: running a sample service with a pod on each worker, {SamplePatience.TotalMinutes:0} minutes at most");
        var pods = await SampleWorkload.RunAsync(kubectl, cluster.Folder, cluster.Workers.Count, SamplePatience, cancellationToken);
        Console.WriteLine(await kubectl.RunAsync(cancellationToken, "get", "pods,services", "-o", "wide"));
        var answers = await SampleWorkload.AskAllAsync(kubectl, pods[0].Pod, [.. pods.Select(pod => pod.Node)], SamplePatience,
            cancellationToken);
        Console.WriteLine(
            $"demo: http://sample, asked from {pods[0].Pod} on {pods[0].Node}, "
            + $"was answered by the pods on {string.Join(" and ", answers)}");
    }

    /// <summary>Prints what an operator does next, and last how to log in.</summary>
    public async Task IntroduceAsync()
    {
        Console.WriteLine($"\n{await cluster.CtlAsync("machines")}");
        Console.WriteLine($"$ operosctl disks list\n{await cluster.CtlAsync("disks", "list")}");
        const string why = "  out/demo/operosctl why ID                        what keeps a machine from being Ready\n",
            kubectl = "  out/demo/kubectl get pods -A -o wide             Kubernetes, by a kubeconfig that operosctl issued\n";
        Console.WriteLine($"""
            Consoles: {cluster.Folder["*.serial.log"]}
            As the operator, who calls a machine by name, address, MAC or the first characters of its UUID:
              out/demo/operosctl machines                      every machine
              out/demo/operosctl machines show ID              one machine's story: hardware, last boot, events
              out/demo/operosctl machines rename ID rack1-1    a name beside the UUID
              out/demo/operosctl machines reboot ID            a reboot is an upgrade
              out/demo/operosctl disks list                    every disk: what it is, why, and what it is used for
              out/demo/operosctl status | leases | releases | boots | jobs | events | audit
            {(HasKubernetes ? why + kubectl : "")}As root, by the demo's own key, without a password:
              out/demo/ssh                                     on the controller
              out/demo/ssh ADDRESS                             on a worker; operosctl machines shows addresses
              out/demo/ssh ADDRESS 'echo b > /proc/sysrq-trigger'   as if somebody pressed its reset button
            """);
    }

    public ValueTask DisposeAsync() => cluster.DisposeAsync();
}

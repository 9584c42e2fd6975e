using System.Text.Json;
using Operos.Lab;

namespace Operos.Demo;

/// <summary>The lab's cluster, as `make demo` shows it: nothing is saved, and it runs until Ctrl-C.</summary>
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
        Console.WriteLine("demo: setting a controller up and writing its disk");
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
        var program = Path.Combine(cluster.Build.Out, "kubernetes/bin/kubectl");
        await WriteWrapperAsync("kubectl", "kubectl in the demo's network, as its operator",
            $"{program} --kubeconfig {kubectl.Kubeconfig} \"$@\"", cancellationToken);
        Console.WriteLine($"\n$ kubectl get nodes\n{await kubectl.RunAsync(cancellationToken, "get", "nodes", "-o", "wide")}");
        Console.WriteLine($"demo: running a sample service with a pod on each worker, {SamplePatience.TotalMinutes:0} minutes at most");
        var pods = await SampleWorkload.RunAsync(kubectl, cluster.Folder, SamplePatience, cancellationToken);
        Console.WriteLine(await kubectl.RunAsync(cancellationToken, "get", "pods,services", "-o", "wide"));
        var answers = await SampleWorkload.AskAllAsync(kubectl, pods[0].Pod, [.. pods.Select(pod => pod.Node)], SamplePatience,
            cancellationToken);
        Console.WriteLine(
            $"demo: http://sample, asked from {pods[0].Pod} on {pods[0].Node}, "
            + $"was answered by the pods on {string.Join(" and ", answers)}");
    }

    /// <summary>Prints what an operator does next.</summary>
    public async Task IntroduceAsync(CancellationToken cancellationToken)
    {
        await WriteWrapperAsync("operosctl", "operosctl in the demo's network, as its operator",
            $"{cluster.Build.Binary("operosctl")} \"$@\" --config {cluster.Disk.Admin}", cancellationToken);
        Console.WriteLine($"\n{await cluster.CtlAsync("machines")}");
        const string why = "  out/demo/operosctl why UUID                      what keeps a machine from being Ready\n",
            kubectl = "  out/demo/kubectl get pods -A -o wide             Kubernetes, by a kubeconfig that operosctl issued\n";
        var kubernetes = HasKubernetes ? why + kubectl : "";
        var shell = $"nsenter --net=/var/run/netns/{cluster.Network.Name} ssh -i {cluster.Disk.SshKey} "
            + $"-o StrictHostKeyChecking=no root@{ControllerDisk.Address}";
        Console.WriteLine($"""
            As the operator:
              out/demo/operosctl machines                      every machine
              out/demo/operosctl machines show UUID            one machine's story: hardware, last boot, events
              out/demo/operosctl machines rename UUID rack1-1  a name beside the UUID
              out/demo/operosctl machines reboot UUID          a reboot is an upgrade
              out/demo/operosctl status | leases | releases | boots
            {kubernetes}On any of the machines (root, by the demo's own key, without a password; operosctl machines shows addresses):
              {shell}
            Consoles: {cluster.Folder["*.serial.log"]}
            """);
    }

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    private async Task WriteWrapperAsync(string name, string what, string command, CancellationToken cancellationToken)
    {
        var wrapper = Path.Combine(cluster.Build.Out, "demo", name);
        await File.WriteAllTextAsync(wrapper, $"#!/bin/sh\n# {what}.\nexec nsenter --net=/var/run/netns/{cluster.Network.Name} {command}\n",
            cancellationToken);
        File.SetUnixFileMode(wrapper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}

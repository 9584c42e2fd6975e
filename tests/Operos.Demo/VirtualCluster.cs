using System.Text.Json;
using Operos.Lab;

namespace Operos.Demo;

/// <summary>Controller, a BIOS worker and a UEFI worker on one switch.</summary>
internal sealed class VirtualCluster : IAsyncDisposable
{
    private const string HostAddress = "10.77.0.2";
    private static readonly TimeSpan SamplePatience = TimeSpan.FromMinutes(5), AnswerPatience = TimeSpan.FromMinutes(1);
    private readonly Build build;
    private readonly LabFolder folder;
    private readonly LabNetwork network;
    private readonly ControllerDisk disk;
    private readonly MachineGroup machines = new();

    private VirtualCluster(Build build, LabFolder folder, LabNetwork network, ControllerDisk disk) => (this.build, this.folder, this.network, this.disk) = (build, folder, network, disk);

    /// <summary>Consoles, QEMU's logs and command lines; they stay when the cluster is gone.</summary>
    public static string LogFolder => Path.Combine(Build.FindRoot(), "out/demo/rack");

    public IReadOnlyList<VirtualMachine> Machines => machines.Machines;
    public bool HasKubernetes => build.HasKubernetes;

    /// <summary>Whether a guest or its QEMU came to a stop by itself.</summary>
    public bool GuestFailed => machines.Failure.IsCompleted;

    /// <summary>Sets a controller up; nothing is switched on yet.</summary>
    public static async Task<VirtualCluster> CreateAsync(Build build, CancellationToken cancellationToken)
    {
        var folder = LabFolder.Create(Path.Combine(build.Out, "demo"), "rack");
        try
        {
            Console.WriteLine("demo: setting a controller up and writing its disk");
            var network = await LabNetwork.CreateAsync(folder, $"{HostAddress}/24", cancellationToken);
            return new VirtualCluster(build, folder, network, await ControllerDisk.MakeAsync(build, folder, cancellationToken));
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Runs what is done with the cluster; it ends as soon as a guest fails.</summary>
    public Task RunAsync(Func<CancellationToken, Task> body, CancellationToken cancellationToken) =>
        machines.RunAsync(body, cancellationToken);

    public Task PowerOnControllerAsync(CancellationToken cancellationToken) => PowerOnAsync(disk.Machine, cancellationToken);

    /// <summary>Once the controller serves, the workers are switched on. Nothing is configured on them.</summary>
    public async Task PowerOnWorkersAsync(CancellationToken cancellationToken)
    {
        foreach (var (number, firmware) in new[] { (1, Firmware.Bios), (2, Firmware.Uefi) })
            await PowerOnAsync(new VirtualMachineOptions
            {
                Name = $"worker-{number}-{firmware.ToString().ToLowerInvariant()}", Firmware = firmware, MemoryMiB = 1536, Uuid = $"0f2c6d1e-7a51-4e0b-8a3d-9d0c5b1e010{number}",
                Nics = [new VirtualNic($"52:54:00:77:01:0{number}")], Disks = [($"OPEROS-WORKER-{number}", NewDisk($"worker-{number}"))], YieldsToController = true,
            }, cancellationToken);
    }

    /// <summary>State of each machine that the controller knows, by address; empty while it does not answer.</summary>
    public async Task<IReadOnlyList<(string Kind, string State)>> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var json = JsonDocument.Parse(await CtlAsync("machines list --json --timeout 2", cancellationToken));
            return [.. json.RootElement.GetProperty("machines").EnumerateArray().Select(machine => (machine.GetProperty("kind").GetString()!, machine.GetProperty("state").GetString()!))];
        }
        catch (Exception e) when (e is LabException or JsonException) { return []; }
    }

    /// <summary>How the cluster is; null where the controller does not answer.</summary>
    public async Task<ClusterStatus?> AskStatusAsync(CancellationToken cancellationToken)
    {
        try { return new ClusterStatus(await CtlAsync("status --json --timeout 5", cancellationToken)); }
        catch (LabException) { return null; }
    }

    /// <summary>Runs a service with a pod on each worker and asks it from one of them.</summary>
    public async Task RunSampleAsync(CancellationToken cancellationToken)
    {
        var kubectl = await Kubectl.CreateAsync(build, folder, network, disk.Admin, cancellationToken);
        await WriteWrapperAsync("kubectl", "kubectl in the demo's network, as its operator", $"{Path.Combine(build.Out, "kubernetes/bin/kubectl")} --kubeconfig {kubectl.Kubeconfig} \"$@\"", cancellationToken);
        Console.WriteLine($"\n$ kubectl get nodes\n{await kubectl.RunAsync(cancellationToken, "get", "nodes", "-o", "wide")}");
        Console.WriteLine($"demo: running a sample service with a pod on each worker, {SamplePatience.TotalMinutes:0} minutes at most");
        var pods = await SampleWorkload.RunAsync(kubectl, folder, SamplePatience, cancellationToken);
        Console.WriteLine(await kubectl.RunAsync(cancellationToken, "get", "pods,services", "-o", "wide"));
        var answers = await SampleWorkload.AskAllAsync(kubectl, pods[0].Pod, [.. pods.Select(pod => pod.Node)], SamplePatience, cancellationToken);
        Console.WriteLine($"demo: http://sample, asked from {pods[0].Pod} on {pods[0].Node}, was answered by the pods on {string.Join(" and ", answers)}");
    }

    /// <summary>Prints what an operator does next.</summary>
    public async Task IntroduceAsync(CancellationToken cancellationToken)
    {
        await WriteWrapperAsync("operosctl", "operosctl in the demo's network, as its operator", $"{build.Binary("operosctl")} \"$@\" --config {disk.Admin}", cancellationToken);
        Console.WriteLine($"\n{await CtlAsync("machines", cancellationToken)}");
        const string why = "  out/demo/operosctl why UUID                      what keeps a machine from being Ready\n", kubectl = "  out/demo/kubectl get pods -A -o wide             Kubernetes, by a kubeconfig that operosctl issued\n";
        var kubernetes = build.HasKubernetes ? why + kubectl : "";
        Console.WriteLine($"""
            As the operator:
              out/demo/operosctl machines                      every machine
              out/demo/operosctl machines show UUID            one machine's story: hardware, last boot, events
              out/demo/operosctl machines rename UUID rack1-1  a name beside the UUID
              out/demo/operosctl machines reboot UUID          a reboot is an upgrade
              out/demo/operosctl status | leases | releases | boots
            {kubernetes}On any of the machines (root, by the demo's own key; there are no passwords; operosctl machines shows the addresses):
              nsenter --net=/var/run/netns/{network.Name} ssh -i {disk.SshKey} -o StrictHostKeyChecking=no root@{ControllerDisk.Address}
            Consoles: {folder["*.serial.log"]}
            """);
    }

    public ValueTask DisposeAsync()
    {
        machines.Dispose();
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task WriteWrapperAsync(string name, string what, string command, CancellationToken cancellationToken)
    {
        var wrapper = Path.Combine(build.Out, "demo", name);
        await File.WriteAllTextAsync(wrapper, $"#!/bin/sh\n# {what}.\nexec nsenter --net=/var/run/netns/{network.Name} {command}\n", cancellationToken);
        File.SetUnixFileMode(wrapper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private Task PowerOnAsync(VirtualMachineOptions options, CancellationToken cancellationToken) =>
        machines.StartAsync(options, network, folder, cancellationToken);

    private Task<string> CtlAsync(string arguments, CancellationToken cancellationToken) =>
        network.RunAsync(
            build.Binary("operosctl"), [.. arguments.Split(' '), "--config", disk.Admin], cancellationToken, patience: AnswerPatience);

    private string NewDisk(string name)
    {
        var path = folder[name + ".img"];
        using var file = File.Create(path);
        file.SetLength(4L << 30);
        return path;
    }
}

using System.Text.Json;
using Operos.Lab;

namespace Operos.Demo;

/// <summary>Controller, a BIOS worker and a UEFI worker on one switch.</summary>
internal sealed class VirtualCluster : IAsyncDisposable
{
    private const string ControllerAddress = "10.77.0.1", HostAddress = "10.77.0.2";
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(2);
    private readonly Build build;
    private readonly LabFolder folder;
    private readonly LabNetwork network;
    private readonly List<VirtualMachine> machines = [];

    private VirtualCluster(Build build, LabFolder folder, LabNetwork network) => (this.build, this.folder, this.network) = (build, folder, network);

    public IReadOnlyList<VirtualMachine> Machines => machines;

    private string Admin => folder["setup/admin"];

    public static async Task<VirtualCluster> StartAsync(Build build, CancellationToken cancellationToken)
    {
        var folder = LabFolder.Create(Path.Combine(build.Out, "demo"), "rack");
        try
        {
            var cluster = new VirtualCluster(build, folder, await LabNetwork.CreateAsync(folder, $"{HostAddress}/24", cancellationToken));
            await cluster.PrepareAsync(cancellationToken);
            await cluster.PowerOnAsync(new VirtualMachineOptions
            {
                Name = "controller", Firmware = Firmware.Uefi, MemoryMiB = 2048, BootsFromDisk = true, Uuid = "0f2c6d1e-7a51-4e0b-8a3d-9d0c5b1e0001",
                Nics = [new VirtualNic("52:54:00:77:00:01")], Disks = [("OPEROS-CONTROLLER", folder["controller.img"])],
            }, cancellationToken);
            return cluster;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Once the controller serves, the workers are switched on. Nothing is configured on them.</summary>
    public async Task PowerOnWorkersAsync(CancellationToken cancellationToken)
    {
        foreach (var (number, firmware) in new[] { (1, Firmware.Bios), (2, Firmware.Uefi) })
            await PowerOnAsync(new VirtualMachineOptions
            {
                Name = $"worker-{number}-{firmware.ToString().ToLowerInvariant()}", Firmware = firmware, MemoryMiB = 1024, Uuid = $"0f2c6d1e-7a51-4e0b-8a3d-9d0c5b1e010{number}",
                Nics = [new VirtualNic($"52:54:00:77:01:0{number}")], Disks = [($"OPEROS-WORKER-{number}", NewDisk($"worker-{number}"))],
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

    /// <summary>Prints what an operator does next.</summary>
    public async Task IntroduceAsync(CancellationToken cancellationToken)
    {
        var wrapper = Path.Combine(build.Out, "demo/operosctl");
        await File.WriteAllTextAsync(wrapper, $"#!/bin/sh\n# operosctl in the demo's network, as its operator.\nexec nsenter --net=/var/run/netns/{network.Name} {build.Binary("operosctl")} \"$@\" --config {Admin}\n", cancellationToken);
        File.SetUnixFileMode(wrapper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Console.WriteLine($"\n{await CtlAsync("machines", cancellationToken)}");
        Console.WriteLine($"""
            As the operator:
              out/demo/operosctl machines                      every machine
              out/demo/operosctl machines show UUID            one machine's story: hardware, last boot, events
              out/demo/operosctl machines rename UUID rack1-1  a name beside the UUID
              out/demo/operosctl machines reboot UUID          a reboot is an upgrade
              out/demo/operosctl status | leases | releases | boots
            On a machine (root, by the demo's own key; there are no passwords):
              nsenter --net=/var/run/netns/{network.Name} ssh -i {folder["ssh-key"]} -o StrictHostKeyChecking=no root@{ControllerAddress}
            Consoles: {folder["*.serial.log"]}
            """);
    }

    public ValueTask DisposeAsync()
    {
        foreach (var machine in machines) machine.Dispose();
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine("demo: setting a controller up and writing its disk");
        await Shell.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "operos-demo", "-f", folder["ssh-key"]], cancellationToken);
        await File.WriteAllTextAsync(folder["extra.toml"], $"[boot]\nkernel-arguments = \"{Build.GuestArguments}\"\n", cancellationToken);
        await Shell.RunAsync(build.Binary("operos-controller"),
            ["setup", "--dir", folder["setup"], "--address", $"{ControllerAddress}/24", "--release-key", Path.Combine(build.Out, "keys/release.pub"), "--admission", "auto",
                "--dhcp-range", "10.77.0.100,10.77.0.199", "--authorized-keys", folder["ssh-key.pub"], "--extra-config", folder["extra.toml"]], cancellationToken);
        await Shell.RunAsync(Path.Combine(build.Root, "images/disk.sh"),
            ["--release", build.Release, "--setup", folder["setup"], "--loaders", build.Loaders, "--out", folder["controller.img"], "--console", $"console=tty0 console=ttyS0,115200 {Build.GuestArguments}"], cancellationToken);
    }

    private async Task PowerOnAsync(VirtualMachineOptions options, CancellationToken cancellationToken) =>
        machines.Add(await VirtualMachine.StartAsync(options, network, folder, cancellationToken));

    private Task<string> CtlAsync(string arguments, CancellationToken cancellationToken) =>
        network.RunAsync(build.Binary("operosctl"), [.. arguments.Split(' '), "--config", Admin], cancellationToken);

    private string NewDisk(string name)
    {
        var path = folder[name + ".img"];
        using var file = File.Create(path);
        file.SetLength(4L << 30);
        return path;
    }
}

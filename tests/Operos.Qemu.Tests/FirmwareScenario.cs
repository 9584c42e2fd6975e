using System.Text.Json;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A way from power-on to the kernel, and what the boot record must say of it.</summary>
internal sealed record FirmwareScenario(
    string Name, Firmware Firmware, bool Http, string RecordedFirmware, bool SecureBoot, string ControllerLog)
{
    /// <summary>Whether the machine has blank disks, one of each kind, which it puts to use and finds again after a reboot.</summary>
    public bool Disks { get; init; }

    /// <summary>Boots a machine on which nothing is configured to its enrolment.</summary>
    public Task EnrolsAsync() => BootAsync(null, async (rack, machine) =>
    {
        await CheckAsync(rack, await rack.EnrolledAsync(machine));
        if (Disks) await ComesBackAsync(rack, machine);
    });

    /// <summary>Boots such a machine until PID 1 has left for the system.</summary>
    public Task LeavesAsync(Build bare) => BootAsync(bare, async (rack, machine) =>
    {
        var (boot, _) = await rack.TellsAsync(machine);
        await CheckAsync(rack, boot);
    });

    private async Task BootAsync(Build? build, Func<Rack, VirtualMachine, Task> body)
    {
        await using var rack = await Rack.CreateAsync(build, minutes: 14, name: Name);
        await rack.WatchAsync(async () => await body(rack, await rack.PowerOnAsync(new VirtualMachineOptions
        {
            Name = Name, Firmware = Firmware, HttpBootOnly = Http,
            Uuid = "5d0f8a44-1111-4c1c-9d6b-2f3d5a7b9c10", Nics = [new VirtualNic("52:54:00:aa:00:01")],
            Disks = Disks ? DiskScenarios.OfEachKind(rack.Folder) : [],
        })));
    }

    /// <summary>A worker that an operator reboots is the same again, and its volumes are as they were.</summary>
    private static async Task ComesBackAsync(Rack rack, VirtualMachine machine)
    {
        await UntilAsync("its disks are in use", async () =>
        {
            var told = await rack.Controller.DisksAsync(rack.Over);
            return DiskScenarios.AreInUse(told, "nvme", "sata", "virtio") ? true : throw new LabException(string.Join("; ", told));
        });
        var worker = await WorkerAsync();
        await DiskScenarios.LeaveSomethingAsync(OnWorkerAsync, volumes: 2);
        var boot = await BootIdAsync();
        machine.Console.Mark();
        Assert.Contains("reboots", await rack.Controller.CtlAsync(["machines", "reboot", worker.Id, "--now"], rack.Over),
            StringComparison.Ordinal);
        await rack.EnrolledAsync(machine);
        Assert.Equal(worker.Id, (await WorkerAsync()).Id);
        await UntilAsync("its disks are in use again", async () =>
        {
            await OnWorkerAsync(DiskScenarios.AllAreMounted(3));
            return true;
        });
        Assert.NotEqual(boot, await BootIdAsync());
        await DiskScenarios.OnlyVolumesAreKeptAsync(OnWorkerAsync, volumes: 2);
        // One whose first process crashes boots anew, where a frozen one would wait for somebody at its console.
        machine.Console.Mark();
        await OnWorkerAsync("kill -SEGV 1");
        await rack.ShowsAsync(machine, "Loading http://");

        async Task<ClusterMachine> WorkerAsync() => Assert.Single(await rack.Controller.WorkersAsync(rack.Over));

        async Task<string> OnWorkerAsync(string command) => await rack.SshAsync(await WorkerAsync(), command);

        Task<string> BootIdAsync() => OnWorkerAsync("cat /proc/sys/kernel/random/boot_id");

        Task UntilAsync(string what, Func<Task<bool>> look) =>
            (rack.Budget.Wait(what) with { Pause = TimeSpan.FromSeconds(1), LooksAgain = true }).UntilAsync(look, rack.Over);
    }

    private async Task CheckAsync(Rack rack, JsonElement boot)
    {
        Assert.Equal(RecordedFirmware, boot.GetProperty("firmware").GetString());
        Assert.Equal(SecureBoot, boot.GetProperty("secureBoot").GetBoolean());
        Assert.Equal(["base", "node", "worker"], Names(boot, "layers"));
        Assert.Equal(["modules", "network", "manifest", "fetch", "mount", "switch"], Names(boot, "phases"));
        Assert.InRange(boot.GetProperty("peakMemoryBytes").GetInt64(), 1_000_000, 64_000_000);
        Assert.Contains(ControllerLog, await File.ReadAllTextAsync(rack.Controller.LogPath), StringComparison.Ordinal);
    }

    private static IEnumerable<string?> Names(JsonElement boot, string list) =>
        boot.GetProperty(list).EnumerateArray().Select(item => item.GetProperty("name").GetString());
}

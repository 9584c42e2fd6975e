using System.Text.Json;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A way from power-on to the kernel, and what the boot record must say of it.</summary>
internal sealed record FirmwareScenario(
    string Name, Firmware Firmware, bool Http, string RecordedFirmware, bool SecureBoot, string ControllerLog)
{
    /// <summary>Whether the machine has blank disks, one of each kind, which it puts to use by itself.</summary>
    public bool Disks { get; init; }

    /// <summary>Boots a machine on which nothing is configured to its enrolment.</summary>
    public Task EnrolsAsync() => BootAsync(null, async (rack, machine) =>
    {
        await CheckAsync(rack, await rack.EnrolledAsync(machine));
        if (!Disks) return;
        await (rack.Budget.Wait("its disks are in use") with { Pause = TimeSpan.FromSeconds(1), LooksAgain = true }).UntilAsync(async () =>
        {
            var told = await rack.Controller.DisksAsync(rack.Over);
            return DiskScenarios.AreInUse(told, "nvme", "sata", "virtio") ? true : throw new LabException(string.Join("; ", told));
        }, rack.Over);
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

using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A way from power-on to the kernel, and what the boot record must say of it.</summary>
public sealed record FirmwareScenario(string Name, Firmware Firmware, bool Http, string RecordedFirmware, bool SecureBoot, string ControllerLog)
{
    public override string ToString() => Name;
}

/// <summary>Each firmware boots a worker to its enrolment, with nothing configured on it.</summary>
public sealed class FirmwareTests
{
    public static TheoryData<FirmwareScenario> Scenarios => new(
        new FirmwareScenario("BiosPxe", Firmware.Bios, false, "bios", false, "lpxelinux.0"),
        new FirmwareScenario("UefiPxe", Firmware.Uefi, false, "uefi", false, "shimx64.efi"),
        new FirmwareScenario("UefiHttp", Firmware.Uefi, true, "uefi", false, "boot/efi/shimx64.efi"),
        new FirmwareScenario("SecureBoot", Firmware.SecureBoot, false, "uefi", true, "shimx64.efi"));

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task A_bare_machine_boots_into_RAM_and_enrols(FirmwareScenario scenario)
    {
        await using var rack = await Rack.CreateAsync(name: scenario.Name);
        await rack.WatchAsync(async () =>
        {
            var machine = await rack.PowerOnAsync(new VirtualMachineOptions
            {
                Name = scenario.Name, Firmware = scenario.Firmware, HttpBootOnly = scenario.Http, Uuid = "5d0f8a44-1111-4c1c-9d6b-2f3d5a7b9c10", Nics = [new VirtualNic("52:54:00:aa:00:01")],
            });
            var (_, boot) = await rack.EnrolledAsync(machine);
            Assert.Equal(scenario.RecordedFirmware, boot.GetProperty("firmware").GetString());
            Assert.Equal(scenario.SecureBoot, boot.GetProperty("secureBoot").GetBoolean());
            Assert.Equal(["base", "node", "worker"], boot.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("name").GetString()));
            Assert.Equal(["modules", "network", "manifest", "fetch", "mount", "switch"], boot.GetProperty("phases").EnumerateArray().Select(phase => phase.GetProperty("name").GetString()));
            Assert.InRange(boot.GetProperty("peakMemoryBytes").GetInt64(), 1_000_000, 64_000_000);
            Assert.Contains(scenario.ControllerLog, await File.ReadAllTextAsync(rack.Controller.LogPath), StringComparison.Ordinal);
        });
    }
}

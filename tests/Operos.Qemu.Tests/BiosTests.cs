using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>BIOS firmware: PXE ROM, lpxelinux, the whole system.</summary>
public sealed class BiosTests
{
    [Fact]
    [Trait("stage", "canary")]
    public Task A_bare_machine_boots_by_BIOS_PXE_enrols_and_is_the_same_after_a_reboot()
    {
        var scenario = new FirmwareScenario("BiosPxe", Firmware.Bios, false, "bios", false, "lpxelinux.0");
        return scenario.EnrolsAsync(async (rack, machine, id, firstBoot) =>
        {
            machine.Console.Mark();
            Assert.Contains("reboots", await rack.Controller.CtlAsync(["machines", "reboot", id], rack.Over), StringComparison.Ordinal);
            var (again, boot) = await rack.EnrolledAsync(machine);
            Assert.Equal(id, again);
            Assert.NotEqual(firstBoot, boot.GetProperty("bootId").GetString());
        });
    }
}

using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>BIOS firmware: PXE ROM, lpxelinux, the whole system.</summary>
public sealed class BiosTests
{
    [Fact]
    [Trait("stage", "canary")]
    public Task A_bare_machine_boots_by_BIOS_PXE_and_enrols() =>
        new FirmwareScenario("BiosPxe", Firmware.Bios, false, "bios", false, "lpxelinux.0").EnrolsAsync();
}

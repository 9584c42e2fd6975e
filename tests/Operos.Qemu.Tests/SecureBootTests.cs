using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>UEFI firmware with Secure Boot on: PXE, the signed shim, the signed GRUB, the signed kernel, the whole system.</summary>
public sealed class SecureBootTests
{
    [Fact]
    [Trait("stage", "canary")]
    public Task A_bare_machine_boots_by_PXE_with_Secure_Boot_and_enrols() =>
        new FirmwareScenario("SecureBoot", Firmware.SecureBoot, false, "uefi", true, "shimx64.efi").EnrolsAsync();
}

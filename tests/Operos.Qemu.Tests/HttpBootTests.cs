using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>UEFI firmware that fetches its loader by HTTP, and no Secure Boot.</summary>
public sealed class HttpBootTests
{
    [Fact]
    public Task A_bare_machine_boots_by_UEFI_HTTP_and_enrols() =>
        new FirmwareScenario("UefiHttp", Firmware.Uefi, true, "uefi", false, "boot/efi/shimx64.efi").RunAsync();
}

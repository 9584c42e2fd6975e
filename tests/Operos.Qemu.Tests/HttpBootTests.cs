using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// UEFI firmware that fetches its loader by HTTP, and no Secure Boot. From PID 1's last line on it would be the same as any other boot: its
/// boot record is looked at, which is all that the agent gets from here.
/// </summary>
public sealed class HttpBootTests(BareRelease bare)
{
    [Fact]
    public async Task A_bare_machine_boots_by_UEFI_HTTP_into_RAM()
    {
        var scenario = new FirmwareScenario("UefiHttp", Firmware.Uefi, true, "uefi", false, "boot/efi/shimx64.efi");
        await scenario.LeavesAsync(await bare.BuildAsync());
    }
}

using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>The whole system with NVMe, SATA and virtio disks. By BIOS, which may start what stands on a disk.</summary>
public sealed class DiskTests
{
    [Fact]
    public Task Blank_disks_of_each_kind_are_put_to_use_and_found_again_after_a_reboot() =>
        new FirmwareScenario("BiosDisks", Firmware.Bios, false, "bios", false, "lpxelinux.0") { Disks = true }.EnrolsAsync();
}

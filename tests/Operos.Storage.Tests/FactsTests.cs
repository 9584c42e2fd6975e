using Operos.Storage.Looks;

namespace Operos.Storage.Tests;

/// <summary>What the kernel tells, read from the sysfs and procfs of machines that were recorded.</summary>
public sealed class FactsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-facts-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("sda", "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda", Transport.Sata)]
    [InlineData("sdb", "pci0000:00/0000:01:00.0/host2/port-2:0/end_device-2:0/target2:0:0/2:0:0:0/block/sdb", Transport.Sas)]
    [InlineData("sdc", "pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0/host6/target6:0:0/6:0:0:0/block/sdc", Transport.Usb)]
    [InlineData("sdd", "platform/host7/session1/target7:0:0/7:0:0:1/block/sdd", Transport.Network)]
    [InlineData("sde", "pci0000:00/0000:03:00.0/host8/rport-8:0-0/target8:0:0/8:0:0:0/block/sde", Transport.Network)]
    [InlineData("sdf", "pci0000:00/0000:00:05.0/virtio2/host2/target2:0:0/2:0:0:0/block/sdf", Transport.Virtio)]
    [InlineData("sdg", "pci0000:00/0000:02:00.0/host1/target1:2:0/1:2:0:0/block/sdg", Transport.Scsi)]
    [InlineData("sdh", "pseudo_0/adapter0/host9/target9:0:0/9:0:0:0/block/sdh", Transport.Unknown)]
    [InlineData("vda", "pci0000:00/0000:00:04.0/virtio1/block/vda", Transport.Virtio)]
    [InlineData("rbd0", "rbd/0/block/rbd0", Transport.Network)]
    [InlineData("nbd3", "virtual/block/nbd3", Transport.Network)]
    [InlineData("dm-0", "virtual/block/dm-0", Transport.Stacked)]
    [InlineData("md127", "virtual/block/md127", Transport.Stacked)]
    [InlineData("loop7", "virtual/block/loop7", Transport.File)]
    [InlineData("zram0", "virtual/block/zram0", Transport.Memory)]
    [InlineData("sr0", "pci0000:00/0000:00:1f.2/ata2/host1/target1:0:0/1:0:0:0/block/sr0", Transport.Optical)]
    [InlineData("mmcblk0", "platform/soc/mmc0/mmc0:0001/block/mmcblk0", Transport.Mmc)]
    [InlineData("mmcblk0boot0", "platform/soc/mmc0/mmc0:0001/block/mmcblk0/mmcblk0boot0", Transport.Unknown)]
    public void A_disk_is_attached_as_its_place_in_sysfs_says(string name, string device, Transport right)
    {
        Add(name, device, 1000);
        Assert.Equal(right, Assert.Single(Read()).Transport);
    }

    [Theory]
    [InlineData("pcie", Transport.Nvme)]
    [InlineData("tcp", Transport.Network)]
    [InlineData("rdma", Transport.Network)]
    public void An_NVMe_namespace_is_this_machine_s_only_where_its_controllers_are(string transport, Transport right)
    {
        var device = Add("nvme0n1", "pci0000:00/0000:04:00.0/nvme/nvme0/nvme0n1", 1000);
        Write(Path.Combine(device, "device", "transport"), transport);
        Assert.Equal(right, Assert.Single(Read()).Transport);
    }

    [Fact]
    public void Size_sectors_names_partitions_and_who_uses_them_are_told_and_strings_are_printable()
    {
        var device = Add("sda", "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda", 7_814_037_168, new()
        {
            ["queue/logical_block_size"] = "512", ["queue/physical_block_size"] = "4096", ["queue/rotational"] = "1", ["removable"] = "0",
            ["queue/zoned"] = "none", ["ro"] = "0", ["dev"] = "8:0", ["device/vendor"] = "ATA     ",
            ["device/model"] = "ST4000NM\u001b[31m0035",
            ["device/wwid"] = "naa.5000c500a1b2c3d4", ["sda1/partition"] = "1", ["sda1/start"] = "2048", ["sda1/size"] = "2097152",
            ["sda1/dev"] = "8:1", ["sda2/partition"] = "2", ["sda2/start"] = "2099200", ["sda2/size"] = "4096", ["sda2/dev"] = "8:2",
        });
        Directory.CreateDirectory(Path.Combine(device, "sda2", "holders", "dm-0"));
        File.WriteAllBytes(Path.Combine(device, "device", "vpd_pg80"), [0, 0x80, 0, 8, .. "ZC1A2B3C"u8]);
        Write(Path.Combine(folder, "proc/self/mountinfo"), "36 35 8:1 / /var\\040lib rw,noatime - ext4 /dev/sda1 rw\n"
            + "37 35 0:44 / /srv rw - btrfs /dev/sda2 rw\n38 35 8:17 / /else rw - ext4 /dev/sdb1 rw\n");
        Write(Path.Combine(folder, "proc/swaps"), "Filename Type Size Used Priority\n/dev/sda2 partition 8 0 -2\n");

        var disk = Assert.Single(Read());
        Assert.Equal(7_814_037_168 * 512, disk.Bytes);
        Assert.Equal((512, 4096), (disk.LogicalSector, disk.PhysicalSector));
        Assert.True(disk.IsRotational);
        Assert.False(disk.IsReadOnly || disk.IsRemovable || disk.IsZoned);
        Assert.Equal(("ATA", "ST4000NM [31m0035", "ZC1A2B3C", "naa.5000c500a1b2c3d4"), (disk.Vendor, disk.Model, disk.Serial, disk.Wwn));
        Assert.Equal([new("sda1", 1 << 20, 1 << 30), new PartitionFacts("sda2", 2099200 * 512, 4096 * 512)], disk.Partitions);
        Assert.Equal(["mounted at /var\\040lib", "dm-0", "mounted at /srv", "swap"], disk.Uses);
    }

    [Fact]
    public void A_hidden_path_and_nonsense_are_no_end_to_it()
    {
        Add("nvme0c0n1", "virtual/nvme-subsystem/nvme-subsys0/nvme0/nvme0c0n1", 1000, new() { ["hidden"] = "1" });
        Add("sdb", "pci0000:00/ata1/block/sdb", 0, new() { ["size"] = "99999999999999999999", ["queue/logical_block_size"] = "-1" });
        var disk = Assert.Single(Read());
        Assert.Equal((0, 512), (disk.Bytes, disk.LogicalSector));
        Assert.Empty(new DiskFactsReader(Path.Combine(folder, "nothing"), folder).Read());
    }

    [Fact]
    public void A_disk_that_cannot_be_asked_ends_the_reading_of_no_other()
    {
        Add("sda", "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda", 1000);
        var pulled = Add("nvme0n1", "pci0000:00/0000:04:00.0/nvme/nvme0/nvme0n1", 1000);
        // As sysfs answers of a device that is gone: a read of this file fails, too.
        File.CreateSymbolicLink(Path.Combine(pulled, "device", "transport"), "/proc/self/mem");
        Assert.Equal("sda", Assert.Single(Read()).Name);
    }

    [Fact]
    public void The_disk_that_the_running_system_is_on_is_found_and_a_network_boot_has_none()
    {
        void Record(string source)
        {
            Write(Path.Combine(folder, "proc/self/mountinfo"), "22 1 0:20 / / rw - overlay overlay rw\n"
                + "23 22 0:21 / /run rw - tmpfs tmpfs rw\n"
                + $"24 23 {source} / /run/operos/images ro - ext4 /dev/root ro\n"
                + "25 23 7:0 / /run/operos/layers/base ro - squashfs /dev/loop0 ro\n");
        }
        Add("sda", "pci0000:00/ata1/block/sda", 1000, new() { ["sda2/partition"] = "2", ["sda2/size"] = "10", ["sda2/start"] = "1" });
        Add("loop0", "virtual/block/loop0", 100, new() { ["loop/backing_file"] = "/run/operos/images/releases/1/base.squashfs" });
        Directory.CreateDirectory(Path.Combine(folder, "sys/dev/block"));
        Directory.CreateSymbolicLink(Path.Combine(folder, "sys/dev/block/8:2"), "../../devices/pci0000:00/ata1/block/sda/sda2");
        Directory.CreateSymbolicLink(Path.Combine(folder, "sys/dev/block/7:0"), "../../devices/virtual/block/loop0");
        var medium = new BootMedium(Path.Combine(folder, "sys"), Path.Combine(folder, "proc"));
        Record("8:2");
        Assert.Equal("sda", medium.Find());
        Assert.True(new DiskFactsReader(Path.Combine(folder, "sys"), Path.Combine(folder, "proc")).Read(medium.Find())
            .Single(disk => disk.Name == "sda").IsBootMedium);
        Record("0:33");
        Assert.Null(medium.Find());
        Assert.Null(new BootMedium(Path.Combine(folder, "none"), Path.Combine(folder, "none")).Find());
    }

    [Fact]
    public void This_machine_s_own_devices_can_be_read()
    {
        // Whatever they are here: none is opened, none is changed, and each has a name.
        Assert.All(new DiskFactsReader().Read(), disk => Assert.NotEqual("?", disk.Name));
    }

    private IReadOnlyList<DiskFacts> Read() => new DiskFactsReader(Path.Combine(folder, "sys"), Path.Combine(folder, "proc")).Read();

    /// <summary>As sysfs has it: the device far below, a link to it in <c>block</c>, and from it a link to what it is a disk of.</summary>
    private string Add(string name, string device, long sectors, Dictionary<string, string>? attributes = null)
    {
        var path = Path.Combine(folder, "sys/devices", device);
        Directory.CreateDirectory(path);
        Directory.CreateDirectory(Path.Combine(path, "device"));
        Directory.CreateDirectory(Path.Combine(folder, "sys/block"));
        Directory.CreateSymbolicLink(Path.Combine(folder, "sys/block", name), Path.Combine("../devices", device));
        Write(Path.Combine(path, "size"), $"{sectors}");
        foreach (var (attribute, value) in attributes ?? []) Write(Path.Combine(path, attribute), value);
        return path;
    }

    private static void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text + "\n");
    }
}

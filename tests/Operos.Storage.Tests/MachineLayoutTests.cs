using Operos.Storage.Classes;
using Operos.Storage.Layouts;
using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Tests;

/// <summary>How disks are split, over sizes, sectors and shares of any kind.</summary>
public sealed class MachineLayoutTests
{
    private const long GiB = 1L << 30, MiB = 1L << 20;
    private static readonly PartitionUse[] Uses = Enum.GetValues<PartitionUse>();

    [Fact]
    public void Partitions_of_any_disk_are_whole_MiB_large_enough_and_clear_of_tables_and_records()
    {
        var random = new Random(14);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = random.Next(4) switch
            {
                0 => random.NextInt64(0, 8 * GiB),
                1 => random.NextInt64(8 * GiB, 64 * GiB),
                2 => random.NextInt64(64 * GiB, 24L << 40),
                _ => random.NextInt64(),
            } / 512 * 512;
            var sector = random.Next(2) == 0 ? 512 : 4096;
            var percent = random.Next(8) switch { 0 => 0, 1 => 100, 2 => random.Next(), 3 => -random.Next(), _ => random.Next(20, 81) };
            var roles = Uses.Where(_ => random.Next(3) > 0).ToHashSet();
            var layout = DiskLayout.For(Disks.Facts(bytes, sector), bytes, new() { LocalPercent = percent }, roles);
            string Told() => $"{bytes} bytes, {percent} %, {string.Join("+", roles)}: {string.Join(", ", layout.Partitions)}";
            Assert.All(layout.Partitions, partition => Assert.True(partition.Bytes % MiB == 0 && roles.Contains(partition.Use), Told()));
            Assert.True(layout.Partitions.Select(partition => partition.Use).Distinct().Count() == layout.Partitions.Count, Told());
            if (layout.Partitions.Count == 0) continue;
            var end = DiskLayout.Start + layout.Partitions.Sum(partition => partition.Bytes);
            // The second record begins in the last whole MiB, the second table in the last 20 KiB.
            Assert.True(end <= DiskRecord.PlacesOn(bytes)[1] && bytes - end >= 2 * MiB, Told());
            Assert.True(DiskRecord.PlacesOn(bytes)[0] + 4096 <= DiskLayout.Start, Told());
            // Nothing is left over, and nothing is too small.
            Assert.True(bytes - end < 4 * MiB, Told());
            Assert.All(layout.Partitions, partition => Assert.True(partition.Bytes >= partition.Use switch
            {
                PartitionUse.Cache => DiskLayout.CacheBytes,
                PartitionUse.Osd => DiskLayout.SmallestOsd,
                _ => DiskLayout.SmallestLocal,
            }, Told()));
            var made = layout.Partitions.Select(partition => partition.Use).ToHashSet();
            if (percent is 0) Assert.False(made.Contains(PartitionUse.Ephemeral) || made.Contains(PartitionUse.Volumes), Told());
            if (percent is 100) Assert.DoesNotContain(PartitionUse.Osd, made);
        }
    }

    [Fact]
    public void The_share_is_what_was_set_and_a_rule_s_where_one_matches_first()
    {
        var shares = new DiskShares
        {
            LocalPercent = 20,
            Rules =
            [
                new() { Model = "SAMSUNG*PM9?3*", LocalPercent = 1 },
                new() { Model = "samsung*pm9*", LocalPercent = 80 },
                new() { Rotational = true, AtLeast = 1000 * GiB, LocalPercent = 0 },
                new() { AtMost = 50 * GiB, LocalPercent = 100 },
            ],
        };
        (PartitionUse, long)[] Split(long bytes, string? model = null, bool rotational = false) =>
            [.. DiskLayout.For(Disks.Facts(bytes) with { Model = model, IsRotational = rotational }, bytes, shares,
                new HashSet<PartitionUse> { PartitionUse.Volumes, PartitionUse.Osd })
                .Partitions.Select(part => (part.Use, part.Bytes / GiB))];
        Assert.Equal([(PartitionUse.Volumes, 20), (PartitionUse.Osd, 80)], Split(101 * GiB));
        Assert.Equal([(PartitionUse.Volumes, 80), (PartitionUse.Osd, 20)], Split(101 * GiB, "Samsung SSD PM9A3 U.2"));
        Assert.Equal([(PartitionUse.Osd, 1000)], Split(1001 * GiB, rotational: true));
        Assert.Equal([(PartitionUse.Volumes, 200), (PartitionUse.Osd, 800)], Split(1001 * GiB));
        Assert.Equal([(PartitionUse.Volumes, 49)], Split(50 * GiB));
        // What is too small for an OSD is local as well.
        Assert.Equal([(PartitionUse.Volumes, 3)], [.. DiskLayout.For(Disks.Facts(4 * GiB), 4 * GiB, new(),
            new HashSet<PartitionUse> { PartitionUse.Volumes, PartitionUse.Osd }).Partitions.Select(part => (part.Use, part.Bytes / GiB))]);
        // A pattern of many stars takes no time to speak of.
        Assert.False(new ShareRule { Model = string.Concat(Enumerable.Repeat("*a", 200)), LocalPercent = 1 }
            .Matches(Disks.Facts(GiB) with { Model = new string('a', 128) }, GiB));
    }

    [Fact]
    public void The_best_disk_is_for_images_and_logs_one_has_the_cache_and_the_others_have_volumes()
    {
        var plan = MachineLayout.Plan([Disk("sda", 4000 * GiB, rotational: true), Disk("sdb", 100 * GiB), Disk("sdc", 200 * GiB),
            Disk("nvme0n1", 60 * GiB, Transport.Nvme), Disk("sdd", GiB)], new());
        Assert.Equal(["nvme0n1: Cache Ephemeral Osd", "sdc: Volumes Osd", "sdb: Volumes Osd", "sda: Volumes Osd"], Words(plan));

        // A machine's only disk holds both.
        Assert.Equal(["vda: Cache Ephemeral Volumes Osd"], Words(MachineLayout.Plan([Disk("vda", 60 * GiB)], new())));
        Assert.Equal(["vda: Ephemeral Volumes Osd"], Words(MachineLayout.Plan([Disk("vda", 12 * GiB)], new())));
        // Foreign, doubtful and excluded ones are not planned with; all for Ceph leaves images in memory.
        Assert.Equal(["sdb: Cache Osd", "sdc: Osd"], Words(MachineLayout.Plan([Disk("sdb", 60 * GiB), Disk("sdc", 60 * GiB),
            Disk("sda", 60 * GiB) with { Class = DiskClass.Foreign }], new() { LocalPercent = 0 })));
        Assert.Equal(["sdb: Cache Ephemeral Volumes", "sdc: Osd"], Words(MachineLayout.Plan([Disk("sdb", 50 * GiB),
            Disk("sdc", 60 * GiB)], new() { LocalPercent = 0, Rules = [new() { AtMost = 50 * GiB, LocalPercent = 100 }] })));
    }

    [Fact]
    public void A_disk_that_comes_later_has_volumes_and_one_that_is_lost_is_followed_by_another()
    {
        var first = Ours("sda", 60 * GiB, ("operos-cache", PartitionUse.Cache), ("operos-ephemeral", PartitionUse.Ephemeral),
            ("operos-osd", PartitionUse.Osd));
        Assert.Equal(["sdb: Volumes Osd"], Words(MachineLayout.Plan([first, Disk("sdb", 60 * GiB)], new())));
        var volumes = Ours("sdb", 60 * GiB, ("operos-volumes", PartitionUse.Volumes), ("operos-osd", PartitionUse.Osd));
        Assert.Equal(["sdc: Cache Ephemeral Osd"], Words(MachineLayout.Plan([volumes, Disk("sdc", 60 * GiB)], new())));
        Assert.Empty(MachineLayout.Plan([first, volumes], new()));
    }

    private static IEnumerable<string> Words(IEnumerable<(DiskVerdict Disk, DiskLayout Layout)> plan) =>
        plan.Select(entry => $"{entry.Disk.Evidence.Facts.Name}: {string.Join(' ', entry.Layout.Partitions.Select(part => part.Use))}");

    private static DiskVerdict Disk(string name, long bytes, Transport transport = Transport.Sata, bool rotational = false) =>
        new(DiskClass.Blank, ["erased"], new DiskEvidence
        {
            Facts = Disks.Facts(bytes, name: name) with { Transport = transport, IsRotational = rotational }, Bytes = bytes,
        });

    private static DiskVerdict Ours(string name, long bytes, params (string Name, PartitionUse Use)[] partitions)
    {
        var record = RecordTests.Record(DiskWork.Ready, size: bytes) with { Disk = Guid.NewGuid(), Table = Guid.NewGuid() };
        var table = new GuidPartitionTable(record.Table, 512, 512, bytes - 512, 1024, 16384, [.. partitions.Select((part, i) =>
            new GuidPartition(i + 1, PartitionTypes.TypeOf(part.Use), Guid.NewGuid(), part.Name, MiB + i * GiB, GiB))]);
        return new(DiskClass.Ours, ["ours"], new DiskEvidence
        {
            Facts = Disks.Facts(bytes, name: name), Bytes = bytes, Tables = [table],
            Records = new(new(RecordState.Whole) { Record = record }, new(RecordState.Whole) { Record = record }),
        });
    }
}

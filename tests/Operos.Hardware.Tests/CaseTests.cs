using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;

namespace Operos.Hardware.Tests;

/// <summary>Inventories made after reports from the field: values that vendors repeat, disks that are seen twice.</summary>
public sealed class CaseTests
{
    public static TheoryData<string> Pairs => new("vendor-board-serial", "vendor-uuid", "diskless-dimm-placeholder", "batch-eui64");

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Two_machines_with_a_value_that_a_vendor_repeats_are_never_one(string pair)
    {
        var (first, second) = (Evidence($"{pair}-1"), Evidence($"{pair}-2"));
        foreach (var (known, newcomer) in new[] { (first, second), (second, first) })
            Assert.Equal(Resolution.Ambiguous, MachineIndex.Resolve(known, newcomer).Resolution);
        Assert.Equal(Resolution.Known, MachineIndex.Resolve(first, first).Resolution);
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Once_both_are_known_each_is_itself_and_the_next_of_their_sort_is_nobody_they_know(string pair)
    {
        var index = new MachineIndex();
        index.Set("first", Evidence($"{pair}-1"));
        index.Set("second", Evidence($"{pair}-2"));
        foreach (var (name, evidence) in new[] { ("first", Evidence($"{pair}-1")), ("second", Evidence($"{pair}-2")) })
        {
            var answer = index.Resolve(evidence);
            Assert.Equal((Resolution.Known, name), (answer.Resolution, answer.Candidates.Single()));
        }
        var third = Read($"{pair}-1") with { Nics = [new Nic { Mac = "02:00:5e:10:09:09" }] };
        third = third with
        {
            Disks = [.. third.Disks.Select(disk =>
                disk with { Serial = "OTHER9", Wwn = disk.Wwn!.Replace("aaaa", "bbbb", StringComparison.Ordinal) })],
            MemoryModules = [.. third.MemoryModules.Select(module =>
                module with { Serial = module.Serial!.Replace("3C01", "3C99", StringComparison.Ordinal) })],
        };
        Assert.Equal(Resolution.New, index.Resolve(EvidenceReader.Read(third)).Resolution);
    }

    [Fact]
    public void A_disk_of_two_ports_is_one_disk()
    {
        var evidence = Evidence("dual-port-disks");
        Assert.Equal(["sas/dsk0001", "sas/dsk0002"], evidence.Where(item => item.Kind == "disk").Select(item => item.Value));
        Assert.Equal(["naa.5f8db4c142300888", "naa.5f8db4c142300999"], evidence.Where(item => item.Kind == "wwn")
            .Select(item => item.Value));
        // A machine with another NIC is in doubt by them, and with its board and its NIC known by them.
        var machine = Read("dual-port-disks");
        var other = machine with { Nics = [new Nic { Mac = "02:00:5e:10:06:06" }] };
        Assert.Equal(Resolution.Ambiguous, MachineIndex.Resolve(evidence, EvidenceReader.Read(other)).Resolution);
        var board = new Identity { Vendor = "Whitebox", Serial = "B-8841-C" };
        var known = EvidenceReader.Read(machine with { Board = board });
        Assert.Equal(Resolution.Known, MachineIndex.Resolve(known, EvidenceReader.Read(other with { Board = board })).Resolution);
    }

    [Fact]
    public void One_WWN_of_a_batch_within_one_machine_identifies_no_disk_but_their_serials_do()
    {
        var disks = new[] { "SER0001", "SER0002" }.Select(
            serial => new Disk { Model = "CheapSSD", Wwn = "eui.0025385b71b01234", Serial = serial });
        var evidence = EvidenceReader.Read(new Inventory { Disks = [.. disks] });
        Assert.Equal(["disk cheapssd/ser0001", "disk cheapssd/ser0002"], evidence.Select(item => $"{item.Kind} {item.Value}"));
    }

    [Fact]
    public void A_second_base_board_counts_and_one_that_repeats_the_first_s_serial_takes_nothing_away()
    {
        static Identity Board(string serial) => new() { Vendor = "Acme", Serial = serial };
        var one = new Inventory { Board = Board("Default string"), OtherBoards = [Board("NODE-7741")] };
        Assert.Equal("board-serial acme/node-7741", EvidenceReader.Read(one).Select(item => $"{item.Kind} {item.Value}").Single());
        var two = new Inventory { Board = Board("NODE-7741"), OtherBoards = [Board("NODE-7741"), Board("RISER-12A")] };
        Assert.Equal(["acme/node-7741", "acme/riser-12a"], EvidenceReader.Read(two).Select(item => item.Value));
        Assert.Equal("NODE-7741", Assert.Single(Inventory.Parse(one.ToJson()).OtherBoards).Serial);
        Assert.Throws<FormatException>(() => Inventory.Parse("""{"otherBoards": [null]}"""u8));
    }

    private static IReadOnlyList<Evidence> Evidence(string name) => EvidenceReader.Read(Read(name));

    private static Inventory Read(string name) =>
        Inventory.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Cases", name + ".json")));
}

using CsCheck;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;

namespace Operos.Hardware.Tests;

/// <summary>Ten thousand machines: none is taken for another, and each is known again after a part was changed.</summary>
public sealed class FleetTests
{
    internal const int Size = 10_000;
    private static readonly List<Inventory> Machines = Fleet.Make(Size, seed: 20261124);
    private static readonly MachineIndex Index = Build();

    public static TheoryData<string> SingleChanges =>
        new("disk", "all disks", "NIC", "DIMM", "CPU or PSU", "board", "disks and a DIMM", "disks and a NIC");

    [Fact]
    public void Every_machine_is_new_once_and_itself_ever_after() => EachIsNewOnceAndItselfEverAfter(Machines);

    internal static void EachIsNewOnceAndItselfEverAfter(List<Inventory> machines)
    {
        var index = new MachineIndex();
        var ids = new HashSet<string>();
        for (var i = 0; i < machines.Count; i++)
        {
            var evidence = EvidenceReader.Read(machines[i]);
            Assert.Equal(Resolution.New, index.Resolve(evidence).Resolution);
            Assert.True(ids.Add(MachineFingerprint.FirstUuid(machines[i])!), "two machines have one UUID");
            index.Set($"{i}", evidence);
        }
        for (var i = 0; i < machines.Count; i++)
            Assert.Equal($"{i}", Assert.Single(index.Resolve(EvidenceReader.Read(machines[i])).Candidates));
    }

    [Theory]
    [MemberData(nameof(SingleChanges))]
    public void A_changed_part_keeps_the_machine(string change) =>
        Gen.Select(Gen.Int[0, Size - 1], Gen.Int).Sample((number, seed) =>
        {
            // Two parts at once, of a machine whose vendor left board and system blank: what is left is what a moved part would bring.
            if (change.StartsWith("disks and", StringComparison.Ordinal) && EvidenceReader.Read(Machines[number])
                .All(item => item.Component != Component.Board)) return;
            var changed = Change(Machines[number], change, new Random(seed));
            var (before, after) = (EvidenceReader.Read(Machines[number]), EvidenceReader.Read(changed));
            // All that it was known by is gone: that is another machine.
            if (!before.Intersect(after).Any()) return;
            var answer = Index.Resolve(after);
            Assert.Contains($"{number}", answer.Candidates);
            // Never a machine of its own; in doubt only where fewer than two components agree for the most part.
            var mayDoubt = new Comparison(before, after).Components.Count(component => component.Agreement >= 0.5) < 2;
            Assert.True(answer.Resolution == Resolution.Known || mayDoubt, $"{change}: {answer.Resolution}, {answer.Reason}");
        }, iter: 4000, threads: 1);

    /// <summary>
    /// In doubt, not lost, are those that have NICs and disks alone: with other disks, one component agrees and one does not.
    /// </summary>
    [Theory]
    [InlineData("disk", 0.001)]
    [InlineData("NIC", 0.0)]
    [InlineData("DIMM", 0.0)]
    [InlineData("CPU or PSU", 0.0)]
    [InlineData("all disks", 0.002)]
    [InlineData("board", 0.01)]
    public void Hardly_any_machine_is_lost_by_a_change(string change, double lost)
    {
        var random = new Random(7);
        var missed = Enumerable.Range(0, 2000).Count(number => Index.Resolve(
            EvidenceReader.Read(Change(Machines[number], change, random))) is var answer
            && (answer.Resolution != Resolution.Known || answer.Candidates[0] != $"{number}"));
        Assert.True(missed <= lost * 2000, $"{missed} of 2000 machines were not known again after: {change}");
    }

    [Fact]
    public void Parts_moved_from_one_machine_to_another_make_neither_the_other() =>
        Gen.Select(Gen.Int[0, Size - 1], Gen.Int[0, Size - 1], Gen.Int[0, 2]).Sample((from, to, what) =>
        {
            if (from == to) return;
            var (donor, taker) = (Machines[from], Machines[to]);
            var mixed = what switch
            {
                0 => taker with { Disks = donor.Disks },
                1 => taker with { Nics = donor.Nics },
                _ => taker with { Disks = [.. taker.Disks, .. donor.Disks], Nics = [.. taker.Nics, .. donor.Nics.Take(1)] },
            };
            var answer = Index.Resolve(EvidenceReader.Read(mixed));
            Assert.False(answer.Resolution == Resolution.Known && answer.Candidates[0] == $"{from}" && Strength(taker) >= 85,
                $"parts of {from} in {to}: {answer}");
            Assert.NotEqual(Resolution.New, answer.Resolution);
        }, iter: 4000, threads: 1);

    [Fact]
    public void A_new_machine_with_somebody_s_disks_or_NIC_is_not_that_machine() =>
        Gen.Select(Gen.Int[0, Size - 1], Gen.Int, Gen.Bool).Sample((from, seed, disks) =>
        {
            var random = new Random(seed);
            var fresh = Fleet.Machine(Size + 1, random) with
                { System = new Identity { Vendor = "Acme", Serial = $"fresh{seed}", Uuid = Fleet.Id(random) } };
            fresh = disks ? fresh with { Disks = Machines[from].Disks } : fresh with { Nics = [.. fresh.Nics, Machines[from].Nics[0]] };
            var answer = Index.Resolve(EvidenceReader.Read(fresh));
            // Against a donor that has little but that part to be known by, doubt is the right answer.
            Assert.True(answer.Resolution != Resolution.Known || Strength(Machines[from]) < 85, $"{answer}");
        }, iter: 4000, threads: 1);

    [Fact]
    public void Placeholders_alone_identify_nothing()
    {
        var blank = new Inventory
        {
            System = new Identity { Serial = "To Be Filled By O.E.M.", Uuid = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF" },
            Board = new Identity { Serial = "Default string" },
            Nics = [new Nic { Mac = "00:00:00:00:00:00" }], Disks = [new Disk { Serial = "0000" }],
            MemoryModules = [new MemoryModule { Serial = "00000000" }],
        };
        Assert.Empty(EvidenceReader.Read(blank));
        Assert.Null(MachineFingerprint.FirstUuid(blank));
        Assert.Equal(Resolution.Ambiguous, Index.Resolve([]).Resolution);
    }

    [Fact]
    public void Two_known_machines_with_one_serial_make_it_worth_nothing()
    {
        var random = new Random(1);
        var left = Fleet.Machine(1, random) with { System = new Identity { Vendor = "Acme", Serial = "CLONE-77",
            Uuid = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeee1" } };
        var right = Fleet.Machine(2, random) with { System = left.System };
        var index = new MachineIndex();
        index.Set("left", EvidenceReader.Read(left));
        index.Set("right", EvidenceReader.Read(right));
        Assert.Equal("left", Assert.Single(index.Resolve(EvidenceReader.Read(left)).Candidates));
        Assert.Equal("right", Assert.Single(index.Resolve(EvidenceReader.Read(right)).Candidates));
        Assert.NotEqual(Resolution.Known, index.Resolve(EvidenceReader.Read(new Inventory { System = left.System })).Resolution);
    }

    [Fact]
    public void Half_of_one_and_half_of_another_is_ambiguous()
    {
        var random = new Random(3);
        var left = Fleet.Machine(1, random);
        var right = Fleet.Machine(2, random);
        (left, right) = (Sure(left, "L"), Sure(right, "R"));
        var index = new MachineIndex();
        index.Set("left", EvidenceReader.Read(left));
        index.Set("right", EvidenceReader.Read(right));
        var chimera = left with { Disks = right.Disks, Nics = right.Nics, MemoryModules = right.MemoryModules };
        var answer = index.Resolve(EvidenceReader.Read(chimera));
        Assert.Equal(Resolution.Ambiguous, answer.Resolution);
        Assert.Equal(["left", "right"], answer.Candidates.Order());
    }

    [Fact]
    public void The_UUID_is_version_8_lower_case_and_does_not_depend_on_order() =>
        Gen.Int[0, Size - 1].Sample(number =>
        {
            var machine = Machines[number];
            var shuffled = machine with { Nics = [.. machine.Nics.Reverse()], Disks = [.. machine.Disks.Reverse()],
                MemoryModules = [.. machine.MemoryModules.Reverse()] };
            var id = MachineFingerprint.FirstUuid(machine)!;
            Assert.Matches("^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", id);
            return id == MachineFingerprint.FirstUuid(shuffled);
        }, iter: 200);

    private static Inventory Sure(Inventory machine, string mark) => machine with
    {
        System = new Identity { Vendor = "Acme", Serial = "SYS" + mark, Uuid = null },
        Board = new Identity { Vendor = "Acme", Serial = "BRD" + mark }, Chassis = new Identity { Vendor = "Acme", Serial = "CHS" + mark },
    };

    private static Inventory Change(Inventory machine, string change, Random random) => change switch
    {
        "disk" => machine with { Disks = [.. machine.Disks.Skip(1), Fleet.NewDisk(random)] },
        "all disks" => machine with { Disks = [Fleet.NewDisk(random), Fleet.NewDisk(random)] },
        "NIC" => machine with { Nics = [.. machine.Nics.Skip(1), Fleet.NewNic(random)] },
        "DIMM" => machine with { MemoryModules = [.. machine.MemoryModules.Skip(1), Fleet.NewModule(random)] },
        "CPU or PSU" => machine with { Cpus = [new Cpu { Model = "another" }] },
        // A new board brings a new UUID and serials; the network cards and the chassis stay.
        "board" => machine with { System = new Identity { Vendor = "Acme", Serial = $"new{random.Next()}", Uuid = Fleet.Id(random) },
            Board = new Identity { Vendor = "Acme", Serial = $"new{random.Next()}" } },
        "disks and a DIMM" => Change(Change(machine, "all disks", random), "DIMM", random),
        _ => Change(Change(machine, "all disks", random), "NIC", random),
    };

    private static int Strength(Inventory machine) =>
        EvidenceReader.Read(machine).Select(item => item.Component).Distinct().Sum(EvidenceReader.WeightOf);

    private static MachineIndex Build()
    {
        var index = new MachineIndex();
        for (var i = 0; i < Size; i++) index.Set($"{i}", EvidenceReader.Read(Machines[i]));
        return index;
    }
}

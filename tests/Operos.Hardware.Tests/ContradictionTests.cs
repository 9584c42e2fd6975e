using CsCheck;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;

namespace Operos.Hardware.Tests;

/// <summary>What agrees against what does not, over machines whose vendors filled in everything, the same for all, or nothing.</summary>
public sealed class ContradictionTests
{
    private const string Repeated = "8a95d198-7f46-11e5-bf8b-08002704d48e";

    private static readonly Component[] All = Enum.GetValues<Component>();

    [Fact]
    public void One_component_that_agrees_never_outvotes_those_that_do_not() =>
        Gen.Select(Gen.Int, Gen.Int[0, All.Length - 1], Gen.Int[1, (1 << All.Length) - 1]).Sample((seed, which, kept) =>
        {
            var random = new Random(seed);
            var (known, stranger) = (Full(random), Full(random));
            var taken = All[which];
            // Some of a stranger's own components, or none of them; always the one that is the known machine's.
            var left = All.Where(component => component != taken && (kept >> (int)component & 1) == 0);
            var newcomer = left.Aggregate(Put(stranger, known, taken), Without);
            var answer = MachineIndex.Resolve(EvidenceReader.Read(known), EvidenceReader.Read(newcomer));
            Assert.True(answer.Resolution == Resolution.Ambiguous, $"{taken}: {answer}");
        }, iter: 4000, threads: 1);

    [Fact]
    public void One_changed_component_of_any_kind_keeps_the_machine_where_two_others_agree() =>
        Gen.Select(Gen.Int, Gen.Int[0, All.Length - 1], Gen.Int[0, (1 << All.Length) - 1], Gen.Int[0, 2])
            .Sample((seed, which, blank, how) =>
        {
            var random = new Random(seed);
            var changed = All[which];
            var missing = All.Where(component => component != changed && (blank >> (int)component & 1) == 1);
            var known = missing.Aggregate(Full(random), Without);
            if (Components(known).Count() < 3) return;
            // Replaced, taken out, or put in where there was none.
            if (how == 2) known = Without(known, changed);
            if (how == 2 && Components(known).Count() < 2) return;
            var newcomer = how == 1 ? Without(known, changed) : Put(known, Full(random), changed);
            var answer = MachineIndex.Resolve(EvidenceReader.Read(known), EvidenceReader.Read(newcomer));
            Assert.True(answer.Resolution == Resolution.Known, $"{changed}: {answer}");
        }, iter: 6000, threads: 1);

    [Fact]
    public void A_part_of_a_machine_s_evidence_is_not_that_machine_though_others_share_the_rest() =>
        Gen.Select(Gen.Int, Gen.Int[0, All.Length - 1], Gen.Int[1, All.Length - 1]).Sample((seed, which, next) =>
        {
            var random = new Random(seed);
            var (shared, own) = (All[which], All[(which + next) % All.Length]);
            var blank = All.Where(component => component != shared && component != own).ToList();
            var known = blank.Aggregate(Full(random), Without);
            var index = new MachineIndex();
            index.Set("known", EvidenceReader.Read(known));
            index.Set("twin", EvidenceReader.Read(Put(blank.Aggregate(Full(random), Without), known, shared)));
            Assert.Equal(Resolution.Known, index.Resolve(EvidenceReader.Read(known)).Resolution);
            Assert.Equal(Resolution.Ambiguous, index.Resolve(EvidenceReader.Read(Without(known, shared))).Resolution);
        }, iter: 2000, threads: 1);

    [Fact]
    public void A_changed_component_where_only_one_other_agrees_is_ambiguous() =>
        Gen.Select(Gen.Int, Gen.Int[0, All.Length - 1], Gen.Int[1, All.Length - 1], Gen.Bool).Sample((seed, which, next, replaced) =>
        {
            var random = new Random(seed);
            var (changed, stays) = (All[which], All[(which + next) % All.Length]);
            var known = All.Where(component => component != changed && component != stays).Aggregate(Full(random), Without);
            var newcomer = replaced ? Put(known, Full(random), changed) : Without(known, changed);
            Assert.Equal(Resolution.Ambiguous, MachineIndex.Resolve(EvidenceReader.Read(known), EvidenceReader.Read(newcomer)).Resolution);
        }, iter: 2000, threads: 1);

    [Fact]
    public void A_board_that_is_changed_takes_the_serial_with_it_that_its_chassis_repeats() =>
        Gen.Int.Sample(seed =>
        {
            var random = new Random(seed);
            var machine = Without(Full(random), Component.Memory);
            var known = machine with { Chassis = new Identity { Vendor = "Acme", Serial = machine.System.Serial } };
            var other = Put(known, Full(random), Component.Board);
            foreach (var chassis in new[] { known.Chassis, new Identity { Vendor = "Acme", Serial = other.System.Serial } })
            {
                var (before, after) = (EvidenceReader.Read(known), EvidenceReader.Read(other with { Chassis = chassis }));
                Assert.Equal(Resolution.Known, MachineIndex.Resolve(before, after).Resolution);
                Assert.Equal(Resolution.Known, MachineIndex.Resolve(after, before).Resolution);
            }
        }, iter: 500, threads: 1);

    [Fact]
    public void What_a_machine_tells_the_network_at_its_boot_is_not_enough_to_be_it() =>
        Gen.Int.Sample(seed =>
        {
            // Its MAC and, by DHCP's option 97, its UUID.
            var machine = Full(new Random(seed));
            var heard = new Inventory { System = new Identity { Uuid = machine.System.Uuid }, Nics = [machine.Nics[0]] };
            Assert.Equal(Resolution.Ambiguous, MachineIndex.Resolve(EvidenceReader.Read(machine), EvidenceReader.Read(heard)).Resolution);
        }, iter: 500, threads: 1);

    /// <summary>Fleets of one model, each with what its vendor repeats; an operator calls each that is in doubt a new machine.</summary>
    [Theory]
    [InlineData("board serial", 2)]
    [InlineData("board serial and DIMM placeholders", 2)]
    [InlineData("cloned VM UUIDs", 2)]
    [InlineData("diskless blades", 2)]
    [InlineData("diskless blades with one default UUID", 2)]
    [InlineData("SSDs of one EUI-64", 2)]
    public void Nobody_of_a_fleet_is_taken_for_another_and_all_are_known_again(string fleet, int mostDoubted) =>
        Gen.Select(Gen.Int, Gen.Int[2, 40]).Sample((seed, size) =>
        {
            var random = new Random(seed);
            var machines = Enumerable.Range(0, size).Select(_ => EvidenceReader.Read(Repeat(fleet, Full(random)))).ToList();
            var index = new MachineIndex();
            var doubted = 0;
            for (var number = 0; number < size; number++)
            {
                var answer = index.Resolve(machines[number]);
                Assert.True(answer.Resolution != Resolution.Known,
                    $"{number} of {fleet} is taken for {answer.Candidates.FirstOrDefault()}");
                if (answer.Resolution == Resolution.Ambiguous) doubted++;
                index.Set($"{number}", machines[number]);
            }
            Assert.InRange(doubted, 0, mostDoubted);
            for (var number = 0; number < size; number++)
            {
                var answer = index.Resolve(machines[number]);
                Assert.Equal((Resolution.Known, $"{number}"), (answer.Resolution, answer.Candidates.FirstOrDefault()));
            }
        }, iter: 60, threads: 1);

    private static Inventory Repeat(string fleet, Inventory machine) => fleet switch
    {
        "board serial" => machine with
        {
            System = new Identity { Vendor = "Whitebox" }, Board = new Identity { Vendor = "Whitebox", Serial = "BX-77-REV3" },
        },
        "board serial and DIMM placeholders" => machine with
        {
            System = new Identity { Vendor = "Whitebox", Uuid = "03000200-0400-0500-0006-000700080009" },
            Board = new Identity { Vendor = "Whitebox", Serial = "BSN12345678901234567" },
            Chassis = new Identity { Serial = "Default string" },
            MemoryModules = [.. Enumerable.Range(0, 4).Select(Placeholder)],
        },
        // A template's UUID, and the serial that hypervisors derive from it; virtual disks have no serials.
        "cloned VM UUIDs" => new Inventory { System = new Identity { Vendor = "VM", Serial = "VM-56 4d 8a 95", Uuid = Repeated },
            Nics = machine.Nics },
        "diskless blades" => new Inventory { Nics = machine.Nics, MemoryModules = [Placeholder(0)] },
        "diskless blades with one default UUID" => new Inventory { System = new Identity { Uuid = Repeated }, Nics = machine.Nics },
        _ => machine with { Disks = [.. machine.Disks.Select(disk => disk with { Wwn = "eui.0025385b71b01234" })] },
    };

    private static MemoryModule Placeholder(int slot) => new() { Part = "Array1_PartNumber0", Serial = $"A1_SerNum{slot}" };

    /// <summary>A machine whose vendor filled in everything.</summary>
    private static Inventory Full(Random random)
    {
        string Serial(string kind) => $"{kind}{random.NextInt64():x16}";
        return new Inventory
        {
            System = new Identity { Vendor = "Acme", Serial = Serial("S"), Uuid = Fleet.Id(random) },
            Board = new Identity { Vendor = "Acme", Serial = Serial("B") },
            Chassis = new Identity { Vendor = "Acme", Serial = Serial("C") },
            Nics = Some(4, () => Fleet.NewNic(random)),
            Disks = Some(5, () => new Disk { Model = "SSD", Serial = Serial("D"), Wwn = $"naa.5{random.NextInt64():x15}" }),
            MemoryModules = Some(5, () => new MemoryModule { Part = "M1", Serial = Serial("M") }),
        };

        IReadOnlyList<T> Some<T>(int below, Func<T> part) => [.. Enumerable.Range(0, random.Next(1, below)).Select(_ => part())];
    }

    private static IEnumerable<Component> Components(Inventory machine) =>
        EvidenceReader.Read(machine).Select(item => item.Component).Distinct();

    private static Inventory Without(Inventory machine, Component component) => Put(machine, new Inventory(), component);

    /// <summary>The machine with that component of another.</summary>
    private static Inventory Put(Inventory machine, Inventory other, Component component) => component switch
    {
        Component.Board => machine with { System = other.System, Board = other.Board },
        Component.Chassis => machine with { Chassis = other.Chassis },
        Component.Network => machine with { Nics = other.Nics },
        Component.Storage => machine with { Disks = other.Disks },
        _ => machine with { MemoryModules = other.MemoryModules },
    };
}

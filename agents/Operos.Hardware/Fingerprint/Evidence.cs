using Operos.Hardware.Inventories;

namespace Operos.Hardware.Fingerprint;

/// <summary>The part of a machine that evidence speaks of: parts of one sort are changed together.</summary>
public enum Component { Board, Chassis, Network, Storage, Memory }

/// <summary>
/// One value that at most one machine should have, such as a disk's WWN. As an inventory tells it, it is a claim: whoever has read the
/// value can tell it too.
/// </summary>
/// <param name="Kind">Such as <c>nic</c> or <c>system-uuid</c>; with the value it is the key of an index.</param>
/// <param name="Suspect">It looks like what a vendor writes into thousands: enough for doubt, never for an identity.</param>
public readonly record struct Evidence(Component Component, string Kind, string Value, bool Suspect = false);

/// <summary>
/// What an inventory offers to know the machine again by, without placeholders and without values that occur in it twice.
/// </summary>
public static class EvidenceReader
{
    /// <summary>How much of a machine's identity each component carries. README.md reasons about the numbers.</summary>
    public static int WeightOf(Component component) => component switch
    {
        Component.Board => 40,
        Component.Network => 25,
        Component.Storage => 25,
        // 21: any two components together outweigh a board alone.
        Component.Chassis => 21,
        Component.Memory => 21,
        _ => 0,
    };

    public static IReadOnlyList<Evidence> Read(Inventory inventory)
    {
        var all = new List<Evidence>();
        void Add(Component component, string kind, string? value, string? serial = null)
        {
            if (value is not null) all.Add(new Evidence(component, kind, value, Placeholders.IsSuspect(serial)));
        }
        void AddSerial(Component component, string kind, string? label, string? serial)
        {
            if (Placeholders.Usable(serial) is { } own) Add(component, kind, $"{Placeholders.Usable(label)}/{own}", own);
        }

        Add(Component.Board, "system-uuid", Placeholders.Usable(inventory.System.Uuid));
        AddSerial(Component.Board, "system-serial", inventory.System.Vendor, inventory.System.Serial);
        // Several boards that tell one serial wear the same label: it counts once.
        foreach (var board in inventory.OtherBoards.Prepend(inventory.Board).DistinctBy(board => Placeholders.Usable(board.Serial)))
            AddSerial(Component.Board, "board-serial", board.Vendor, board.Serial);
        // A TPM sits on the board or in its processor, and cannot be blank.
        Add(Component.Board, "tpm-ek", Placeholders.Usable(inventory.TpmEndorsementKey));
        AddSerial(Component.Chassis, "chassis-serial", inventory.Chassis.Vendor, inventory.Chassis.Serial);
        foreach (var nic in inventory.Nics) Add(Component.Network, "nic", Placeholders.UsableMac(nic.Mac));
        // A disk that is reached by two ports is seen twice, with both values the same.
        var disks = inventory.Disks.Select(disk =>
            (Wwn: Placeholders.Usable(disk.Wwn), disk.Model, Serial: Placeholders.Usable(disk.Serial)));
        foreach (var (wwn, model, serial) in disks.Distinct())
        {
            Add(Component.Storage, "wwn", wwn);
            AddSerial(Component.Storage, "disk", model, serial);
        }
        foreach (var module in inventory.MemoryModules) AddSerial(Component.Memory, "memory", module.Part, module.Serial);
        // A serial that two parts of one machine share identifies neither.
        return [.. all.GroupBy(item => (item.Kind, item.Value)).Where(group => group.Count() == 1).Select(group => group.First())
            .OrderBy(item => item.Component).ThenBy(item => item.Kind, StringComparer.Ordinal)
                .ThenBy(item => item.Value, StringComparer.Ordinal)];
    }
}

using Operos.Hardware.Inventories;

namespace Operos.Hardware.Fingerprint;

/// <summary>The part of a machine that evidence speaks of: parts of one sort are changed together.</summary>
public enum Component { Board, Chassis, Network, Storage, Memory }

/// <summary>One value that at most one machine should have, such as a disk's WWN.</summary>
/// <param name="Kind">Such as <c>nic</c> or <c>system-uuid</c>; with the value it is the key of an index.</param>
public readonly record struct Evidence(Component Component, string Kind, string Value);

/// <summary>What an inventory offers to know the machine again by, without placeholders and without values that occur in it twice.</summary>
public static class EvidenceReader
{
    /// <summary>How much of a machine's identity each component carries. README.md reasons about the numbers.</summary>
    public static int WeightOf(Component component) => component switch
    {
        Component.Board => 40,
        Component.Network => 25,
        Component.Storage => 25,
        Component.Chassis => 20,
        Component.Memory => 20,
        _ => 0,
    };

    public static IReadOnlyList<Evidence> Read(Inventory inventory)
    {
        var all = new List<Evidence>();
        void Add(Component component, string kind, string? value)
        {
            if (value is not null) all.Add(new Evidence(component, kind, value));
        }

        Add(Component.Board, "system-uuid", Placeholders.Usable(inventory.System.Uuid));
        Add(Component.Board, "system-serial", Placeholders.Usable(inventory.System.Serial) is { } serial ? $"{Maker(inventory.System)}{serial}" : null);
        Add(Component.Board, "board-serial", Placeholders.Usable(inventory.Board.Serial) is { } board ? $"{Maker(inventory.Board)}{board}" : null);
        // A TPM sits on the board or in its processor, and cannot be blank.
        Add(Component.Board, "tpm-ek", Placeholders.Usable(inventory.TpmEndorsementKey));
        // Many vendors repeat the system's serial on the chassis: that is one label, not two.
        if (inventory.Chassis.Serial != inventory.System.Serial && inventory.Chassis.Serial != inventory.Board.Serial)
            Add(Component.Chassis, "chassis-serial", Placeholders.Usable(inventory.Chassis.Serial) is { } chassis ? $"{Maker(inventory.Chassis)}{chassis}" : null);
        foreach (var nic in inventory.Nics) Add(Component.Network, "nic", Placeholders.UsableMac(nic.Mac));
        foreach (var disk in inventory.Disks)
            Add(Component.Storage, "disk", Placeholders.Usable(disk.Wwn) ?? (Placeholders.Usable(disk.Serial) is { } own ? $"{Placeholders.Usable(disk.Model)}/{own}" : null));
        foreach (var module in inventory.MemoryModules)
            Add(Component.Memory, "memory", Placeholders.Usable(module.Serial) is { } own ? $"{Placeholders.Usable(module.Part)}/{own}" : null);
        // A serial that two parts of one machine share identifies neither.
        return [.. all.GroupBy(item => (item.Kind, item.Value)).Where(group => group.Count() == 1).Select(group => group.First())
            .OrderBy(item => item.Component).ThenBy(item => item.Kind, StringComparer.Ordinal).ThenBy(item => item.Value, StringComparer.Ordinal)];
    }

    private static string Maker(Identity identity) => $"{Placeholders.Usable(identity.Vendor)}/";
}

using System.Text;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;
using Operos.Storage.Reports;

namespace Operos.Worker;

/// <summary>Inventories and fingerprints as a person at the machine reads them.</summary>
internal static class Reports
{
    public static string Inventory(Inventory inventory)
    {
        var text = new StringBuilder();
        text.Append(null,
            $"system   {Named(inventory.System.Vendor, inventory.System.Product)}, serial {inventory.System.Serial ?? "-"}, uuid "
            + $"{inventory.System.Uuid ?? "-"}\n");
        foreach (var board in inventory.OtherBoards.Prepend(inventory.Board))
            text.Append(null, $"board    {Named(board.Vendor, board.Product)}, serial {board.Serial ?? "-"}\n");
        foreach (var cpu in inventory.Cpus) text.Append(null, $"cpu      {cpu.Socket} {cpu.Model}, {cpu.Cores} cores\n");
        text.Append(null, $"memory   {inventory.MemoryBytes / 1e9:0.0} GB\n");
        foreach (var module in inventory.MemoryModules)
            text.Append(null,
            $"module   {module.Slot} {module.Vendor} {module.Part}, {module.Bytes >> 20} MiB, serial {module.Serial ?? "-"}\n");
        foreach (var nic in inventory.Nics) text.Append(null, $"nic      {nic.Name} {nic.Mac} ({nic.Driver})\n");
        foreach (var disk in inventory.Disks)
            text.Append(null,
            $"disk     {disk.Name} {disk.Model}, {disk.Bytes / 1e9:0.0} GB, serial {disk.Serial ?? "-"}, wwn {disk.Wwn ?? "-"}\n");
        text.Append(null,
            $"tpm      {inventory.Tpm ?? "none"}{(inventory.TpmEndorsementKey is { } key ? $", endorsement key {key}" : "")}");
        return text.ToString();
    }

    public static string Fingerprint(Inventory inventory)
    {
        var text = new StringBuilder();
        foreach (var item in EvidenceReader.Read(inventory))
        {
            var suspect = item.Suspect ? "  (suspect: may stand in thousands)" : "";
            text.Append(null,
                $"{Name(item.Component),-8} {EvidenceReader.WeightOf(item.Component),3}  {item.Kind,-14} {item.Value}{suspect}\n");
        }
        text.Append(null, $"uuid     {MachineFingerprint.FirstUuid(inventory) ?? "none: nothing identifies this machine"}");
        return text.ToString();
    }

    /// <summary>The first as the controller's, the second as one that asks to join.</summary>
    public static string Comparison(Inventory left, Inventory right)
    {
        var (known, newcomer) = (EvidenceReader.Read(left), EvidenceReader.Read(right));
        var comparison = new Comparison(known, newcomer);
        var text = new StringBuilder();
        foreach (var component in comparison.Components)
        {
            var verdict = component switch { { Shared.Count: > 0 } =>
                "agrees", { IsGained: true } => "is new", { OnlyNewcomer.Count: 0 } => "is gone", _ => "differs" };
            text.Append(null,
                $"{Name(component.Component),-8} {component.Weight * component.Agreement,5:0.0} of {component.Weight,2}  {verdict}\n");
            foreach (var item in component.Shared) text.Append(null, $"         = {item.Kind} {item.Value}\n");
            foreach (var item in component.OnlyKnown) text.Append(null, $"         < {item.Kind} {item.Value}\n");
            foreach (var item in component.OnlyNewcomer) text.Append(null, $"         > {item.Kind} {item.Value}\n");
        }
        foreach (var item in comparison.Suspect)
            text.Append(null, $"suspect  = {item.Kind} {item.Value}: may stand in thousands, and counts for doubt alone\n");
        var answer = MachineIndex.Resolve(known, newcomer);
        var said = answer.Resolution switch
        {
            Resolution.Known => "the same machine",
            Resolution.New => "two machines",
            _ => $"ambiguous: {answer.Reason}; an operator decides",
        };
        text.Append(null, $"{comparison.AgreeingWeight:0.0} agree, {comparison.Share * 100:0} % of what could: {said}");
        return text.ToString();
    }

    /// <summary>What is known of vendor and product; a dash where neither is.</summary>
    private static string Named(string? vendor, string? product) =>
        string.Join(' ', new[] { vendor, product }.Where(word => !string.IsNullOrWhiteSpace(word))) is { Length: > 0 } name ? name : "-";

    public static string Disks(IReadOnlyList<DiskReport> disks)
    {
        var text = new StringBuilder();
        foreach (var disk in disks)
        {
            text.Append(null, $"{disk.Name,-12} {disk.Class,-16} {disk.Bytes / 1e9,8:0.0} GB  {disk.Transport}  {disk.Model ?? "-"}, "
                + $"serial {disk.Serial ?? "-"}\n");
            foreach (var reason in disk.Reasons) text.Append(null, $"             {reason}\n");
        }
        return disks.Count == 0 ? "this machine has no disks" : text.ToString().TrimEnd();
    }

    private static string Name(Component component) => component.ToString().ToLowerInvariant();
}

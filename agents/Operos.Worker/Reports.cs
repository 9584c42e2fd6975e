using System.Text;
using Operos.Hardware.Fingerprint;
using Operos.Hardware.Inventories;

namespace Operos.Worker;

/// <summary>Inventories and fingerprints as a person at the machine reads them.</summary>
internal static class Reports
{
    public static string Inventory(Inventory inventory)
    {
        var text = new StringBuilder();
        text.Append(null, $"system   {inventory.System.Vendor} {inventory.System.Product}, serial {inventory.System.Serial ?? "-"}, uuid {inventory.System.Uuid ?? "-"}\n");
        text.Append(null, $"board    {inventory.Board.Vendor} {inventory.Board.Product}, serial {inventory.Board.Serial ?? "-"}\n");
        foreach (var cpu in inventory.Cpus) text.Append(null, $"cpu      {cpu.Socket} {cpu.Model}, {cpu.Cores} cores\n");
        text.Append(null, $"memory   {inventory.MemoryBytes / 1e9:0.0} GB\n");
        foreach (var module in inventory.MemoryModules) text.Append(null, $"module   {module.Slot} {module.Vendor} {module.Part}, {module.Bytes >> 20} MiB, serial {module.Serial ?? "-"}\n");
        foreach (var nic in inventory.Nics) text.Append(null, $"nic      {nic.Name} {nic.Mac} ({nic.Driver})\n");
        foreach (var disk in inventory.Disks) text.Append(null, $"disk     {disk.Name} {disk.Model}, {disk.Bytes / 1e9:0.0} GB, serial {disk.Serial ?? "-"}, wwn {disk.Wwn ?? "-"}\n");
        text.Append(null, $"tpm      {inventory.Tpm ?? "none"}{(inventory.TpmEndorsementKey is { } key ? $", endorsement key {key}" : "")}");
        return text.ToString();
    }

    public static string Fingerprint(Inventory inventory)
    {
        var text = new StringBuilder();
        foreach (var group in EvidenceReader.Read(inventory).GroupBy(item => item.Component))
            foreach (var item in group) text.Append(null, $"{group.Key.ToString().ToLowerInvariant(),-8} {EvidenceReader.WeightOf(group.Key),3}  {item.Kind,-14} {item.Value}\n");
        text.Append(null, $"uuid     {MachineFingerprint.FirstUuid(inventory) ?? "none: nothing identifies this machine"}");
        return text.ToString();
    }

    public static string Comparison(Inventory left, Inventory right)
    {
        var comparison = new Comparison(EvidenceReader.Read(left), EvidenceReader.Read(right));
        var text = new StringBuilder();
        foreach (var component in comparison.Components)
        {
            text.Append(null, $"{component.Component.ToString().ToLowerInvariant(),-8} {component.Weight * component.Agreement,5:0.0} of {component.Weight,2}  {(component.Shared.Count == 0 ? "differs" : "agrees")}\n");
            foreach (var item in component.Shared) text.Append(null, $"         = {item.Kind} {item.Value}\n");
            foreach (var item in component.OnlyLeft) text.Append(null, $"         < {item.Kind} {item.Value}\n");
            foreach (var item in component.OnlyRight) text.Append(null, $"         > {item.Kind} {item.Value}\n");
        }
        text.Append(null, $"{comparison.AgreeingWeight:0.0} agree, {comparison.Share * 100:0} % of what could: {(comparison.IsSameMachine ? "the same machine" : "two machines")}");
        return text.ToString();
    }
}

using System.Text;
using Operos.Hardware.Inventories;
using Operos.Proto;
using Operos.Release;

namespace Operos.Ctl.Rendering;

/// <summary>All that is known of one machine, in the order in which an operator asks.</summary>
internal static class MachineStory
{
    private const int BarWidth = 30, MostModels = 4;

    /// <summary>Heartbeats come every 10 s.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(15);

    public static string Render(MachineDetail machine, DateTimeOffset now)
    {
        var text = new StringBuilder();
        var summary = machine.Summary;
        Line(text, "machine", summary.Id);
        Line(text, "name", summary.Name ?? "-");
        Line(text, "state", summary.State + (machine.SystemState is null ? "" : $", systemd {machine.SystemState}")
            + (summary.BootedUnixMs > 0 ? $", booted {Figures.Age(summary.BootedUnixMs, now)}" : ""));
        if (summary.Alarm is not null) Line(text, "ALARM", summary.Alarm);
        if (summary.Note is not null) Line(text, "next", summary.Note);
        Line(text, "kind", summary.Kind);
        Line(text, "address", summary.Address ?? "-");
        Line(text, "labels", machine.Labels.Count == 0
            ? "-" : string.Join(", ", machine.Labels.Select(label => $"{label.Key}={label.Value}")));
        Line(text, "first seen", Figures.Age(machine.FirstSeenUnixMs, now));
        Line(text, "last seen", summary.State == "up" && now - Figures.Time(summary.LastSeenUnixMs) < Fresh ? "now"
            : Figures.Age(summary.LastSeenUnixMs, now));
        if (machine.CertificateExpiresUnixMs > 0)
            Line(text, "certificate", $"expires in {Figures.Span(Figures.Time(machine.CertificateExpiresUnixMs) - now)}");
        Hardware(text, machine.Inventory);
        Boot(text, machine.BootRecord);
        if (machine.Events.Count > 0) text.Append("\nevents\n");
        foreach (var happened in machine.Events)
            text.Append(null, $"  {Figures.Age(happened.UnixMs, now),-9}  {Terminal.Line(happened.Text)}\n");
        return text.ToString();
    }

    private static void Hardware(StringBuilder text, byte[] json)
    {
        Inventory inventory;
        try { inventory = Inventory.Parse(json); }
        catch (FormatException) { return; }
        text.Append("\nhardware\n");
        Line(text, "  system", $"{inventory.System.Vendor} {inventory.System.Product}, serial {inventory.System.Serial ?? "-"}");
        var models = inventory.Cpus.Select(cpu => cpu.Model).Distinct().ToList();
        var others = models.Count > MostModels ? $" and {models.Count - MostModels} more" : "";
        Line(text, "  cpus", $"{inventory.LogicalCpus} ({string.Join(", ", models.Take(MostModels))}{others})");
        Line(text, "  memory", $"{Figures.Size(inventory.MemoryBytes)} in {inventory.MemoryModules.Count} module"
            + (inventory.MemoryModules.Count == 1 ? "" : "s"));
        foreach (var nic in inventory.Nics) Line(text, "  nic", $"{nic.Name} {nic.Mac} ({nic.Driver})");
        foreach (var disk in inventory.Disks)
            Line(text, "  disk",
            $"{disk.Name} {Figures.Size(disk.Bytes)} {(disk.Rotational ? "rotating" : "solid state")} {disk.Model} serial "
            + $"{disk.Serial ?? disk.Wwn ?? "-"}");
    }

    private static void Boot(StringBuilder text, byte[] json)
    {
        if (json.Length == 0) return;
        BootRecord boot;
        try { boot = BootRecord.Parse(json); }
        catch (FormatException) { return; }
        if (boot.Phases.Count == 0) return;
        text.Append(null,
            $"\nlast boot: release {boot.Release}, {boot.Firmware}{(boot.SecureBoot ? ", Secure Boot" : "")}, "
            + $"kernel {boot.KernelRelease}\n");
        if (boot.Network is { } network) Line(text, "  network", $"{network.Address} on {network.Interface} by {network.Source}");
        if (boot.Layers.Count > 0)
            Line(text, "  layers",
            $"{Figures.Size(boot.Layers.Sum(layer => layer.Bytes))}: {string.Join(", ", boot.Layers.Select(layer => layer.Name))}");
        if (boot.Retries + boot.RefusedChunks + boot.Restarts > 0)
            Line(text, "  trouble", $"{boot.Retries} retries, {boot.RefusedChunks} chunks refused, {boot.Restarts} restarts");
        var end = Math.Max(1, boot.Phases.Max(phase => phase.EndMs));
        foreach (var phase in boot.Phases)
        {
            var from = (int)(phase.StartMs * BarWidth / end);
            var width = Math.Max(1, (int)((phase.EndMs - phase.StartMs) * BarWidth / end));
            var bar = (new string(' ', Math.Min(from, BarWidth - 1)) + new string('=', width)).PadRight(BarWidth);
            text.Append(null, $"  {phase.Name,-9} |{bar[..BarWidth]}| {(phase.EndMs - phase.StartMs) / 1000.0,6:0.00} s  {phase.Detail}\n");
        }
    }

    private static void Line(StringBuilder text, string name, string value) => text.Append(null, $"{name,-12} {Terminal.Line(value)}\n");
}

using System.Text;
using Operos.Proto;

namespace Operos.Ctl.Rendering;

/// <summary>Disks: what each is and why, what it is used for, and the way out of what it is.</summary>
internal static class DiskTable
{
    public static string Render(DiskList list, DateTimeOffset now)
    {
        var text = new StringBuilder();
        if (list.Disks.Count == 0 && list.Silent.Count == 0) return "no disks: machines tell theirs when they join\n";
        if (list.Disks.Count > 0)
            text.Append(Table.Render(["DISK", "SIZE", "KIND", "MODEL", "STATE", "USED FOR", "WHY"],
                [.. list.Disks.Select(entry => (IReadOnlyList<string>)
                [
                    Call(entry), Figures.Size(entry.Disk.Bytes), Kind(entry.Disk), entry.Disk.Model ?? "-", State(entry), Uses(entry.Disk),
                    string.Join("; ", entry.Disk.Reasons),
                ])]));
        var notes = new List<string>();
        foreach (var down in list.Disks.Where(entry => !entry.Up).DistinctBy(entry => entry.Machine))
            notes.Add($"{down.MachineName} is down: its disks are as it told them {Figures.Age(down.AsOfUnixMs, now)}");
        foreach (var entry in list.Disks) notes.AddRange(Notes(entry).Select(note => $"{Call(entry)}: {note}"));
        notes.AddRange(list.Silent);
        if (notes.Count > 0 && text.Length > 0) text.Append('\n');
        foreach (var note in notes) text.Append(Terminal.Line(note)).Append('\n');
        return text.ToString();
    }

    /// <summary>All that is known of one.</summary>
    public static string Render(DiskEntry entry, DateTimeOffset now)
    {
        var (disk, text) = (entry.Disk, new StringBuilder());
        Line(text, "disk", Call(entry));
        Line(text, "identity", disk.Identity);
        Line(text, "machine", entry.MachineName == entry.Machine ? entry.Machine : $"{entry.MachineName} ({entry.Machine})");
        Line(text, "as of", $"told {Figures.Age(entry.AsOfUnixMs, now)}; the machine is "
            + (entry.Up ? "up and tells what changes" : "down"));
        Line(text, "state", State(entry));
        foreach (var reason in disk.Reasons) Line(text, "", reason);
        foreach (var note in Notes(entry)) Line(text, "note", note);
        Line(text, "size", $"{Figures.Size(disk.Bytes)} ({disk.Bytes} bytes), sectors of {disk.LogicalSector}");
        Line(text, "kind", Kind(disk));
        Line(text, "model", $"{disk.Model ?? "-"}, serial {disk.Serial ?? "-"}, wwn {disk.Wwn ?? "-"}");
        if (disk.RecordDisk is { } id) Line(text, "record", $"disk {id}, put to work by machine {disk.RecordMachine ?? "-"}");
        foreach (var use in disk.Uses)
            Line(text, "used for", Use(use) + (use.Encrypted ? ", encrypted" : "") + (use.MountedAt is { } at ? $", at {at}" : ""));
        foreach (var found in disk.Signatures) Line(text, "found", $"{found.Name} at {found.Offset}");
        Line(text, "evidence", disk.Evidence.Length > 0 ? disk.Evidence : "none: it cannot be read");
        return text.ToString();
    }

    /// <summary>As it is typed.</summary>
    public static string Call(DiskEntry entry) => $"{entry.MachineName}/{entry.Disk.Name}";

    private static IEnumerable<string> Notes(DiskEntry entry)
    {
        if (entry.Excluded is { } kept) yield return $"kept out {kept}";
        if (entry.Disk.Work is { } work) yield return work;
        if (entry.Disk.Wipe is { } wipe) yield return $"its wipe is {wipe.State}: {wipe.Text}";
        if (entry.Disk.Failure is { } failure) yield return failure;
        if (entry.WayOut is { } next) yield return next;
    }

    private static string State(DiskEntry entry) => entry.Excluded is null ? entry.Disk.Class : $"{entry.Disk.Class}, kept out";

    private static string Kind(DiskState disk) => disk.Rotational ? $"{disk.Transport} rotational" : disk.Transport;

    private static string Uses(DiskState disk) => disk.Uses.Count == 0 ? "-" : string.Join(", ", disk.Uses.Select(Use));

    private static string Use(DiskUse use) => $"{use.Use} {Figures.Size(use.Bytes)}"
        + (use.UsedBytes >= 0 && use.Bytes > 0 ? $" ({Math.Min(100, 100.0 * use.UsedBytes / use.Bytes):0} % full)" : "");

    private static void Line(StringBuilder text, string name, string value) =>
        text.Append(null, $"{name,-11}  {Terminal.Line(value)}\n");
}

using System.Text;
using Operos.Controller.Machines;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Disks;

/// <summary>What machines say of their disks, brought within bounds where it enters.</summary>
internal static class DiskWords
{
    public const int MostDisks = ReportDisks.Most;
    private const int MostReasons = 16, MostSignatures = 64, MostUses = 16, LongestName = 64, LongestIdentity = 200, LongestWord = 32;
    private const int LongestSector = 1 << 20;
    private const string Doubtful = "doubtful";

    private static readonly string[] Classes =
        ["blank", "ours", "unfinished-ours", "foreign", "unsuitable", "in-use", Doubtful];

    public static IReadOnlyList<DiskState> Bounded(IReadOnlyList<DiskState>? disks) =>
        [.. (disks ?? []).Where(disk => disk is not null).Take(MostDisks).Select(Bounded).DistinctBy(disk => disk.Name)];

    /// <summary>Whether it is what <see cref="DiskState.Evidence"/> may be.</summary>
    public static bool IsEvidence(string? text) => text is { Length: 64 } && text.All(char.IsAsciiHexDigitLower);

    /// <summary>An identity as it is kept and compared: one word.</summary>
    public static string? IdentityOf(string? text) => PrintableText.Line(text, LongestIdentity)?.Replace(' ', '_');

    private static DiskState Bounded(DiskState disk)
    {
        var name = PrintableText.Line(disk.Name, LongestName)?.Replace('/', '!').Replace(' ', '_') ?? "unnamed";
        return disk with
        {
            Name = name,
            Identity = IdentityOf(disk.Identity) ?? $"at:{name}",
            Class = Classes.Contains(disk.Class) ? disk.Class : Doubtful,
            Reasons = Lines(disk.Reasons, MostReasons),
            Bytes = Math.Max(0, disk.Bytes),
            LogicalSector = Math.Clamp(disk.LogicalSector, 0, LongestSector),
            Transport = PrintableText.Line(disk.Transport, LongestWord) ?? "unknown",
            Model = PrintableText.Line(disk.Model), Serial = PrintableText.Line(disk.Serial), Wwn = PrintableText.Line(disk.Wwn),
            Signatures =
            [
                .. (disk.Signatures ?? []).Where(found => found is not null).Take(MostSignatures).Select(found => found with
                    { Name = PrintableText.Line(found.Name, LongestName) ?? "unnamed", Offset = Math.Max(0, found.Offset) }),
            ],
            RecordDisk = Uuid(disk.RecordDisk), RecordMachine = Uuid(disk.RecordMachine),
            Evidence = IsEvidence(disk.Evidence) ? disk.Evidence : "",
            Uses = [.. (disk.Uses ?? []).Where(use => use is not null).Take(MostUses).Select(Bounded)],
            Work = PrintableText.Line(disk.Work, MachineWords.LongestText),
            Failure = PrintableText.Line(disk.Failure, MachineWords.LongestText),
            Wipe = Bounded(disk.Wipe),
            Place = IdentityOf(disk.Place) is { } place && ExcludedDisks.IsOfPlace(place) ? place : null,
        };
    }

    /// <summary>At least as much as a disk takes in an answer.</summary>
    public static int BytesOf(DiskEntry entry)
    {
        const int Fixed = 512, Figures = 32;
        var disk = entry.Disk;
        IEnumerable<string?> texts =
        [
            entry.Machine, entry.MachineName, entry.Excluded, entry.WayOut, disk.Name, disk.Identity, disk.Model, disk.Serial, disk.Wwn,
            disk.Transport, disk.Work, disk.Failure, disk.Place, disk.Wipe?.Text, .. disk.Reasons,
            .. disk.Signatures.Select(found => found.Name),
            .. disk.Uses.SelectMany(use => (string?[])[use.Use, use.MountedAt]),
        ];
        return Fixed + texts.Sum(text => Figures + Encoding.UTF8.GetByteCount(text ?? ""));
    }

    private static DiskUse Bounded(DiskUse use) => use with
    {
        Use = PrintableText.Line(use.Use, LongestWord) ?? "unnamed",
        Bytes = Math.Max(0, use.Bytes), UsedBytes = Math.Max(-1, use.UsedBytes),
        MountedAt = PrintableText.Line(use.MountedAt, MachineWords.LongestText),
    };

    private static DiskWipe? Bounded(DiskWipe? wipe) =>
        Uuid(wipe?.Order) is { } order && wipe!.State is DiskWipe.Running or DiskWipe.Finished or DiskWipe.Failed
            ? wipe with { Order = order, Text = PrintableText.Line(wipe.Text, MachineWords.LongestText) ?? "" } : null;

    private static IReadOnlyList<string> Lines(IReadOnlyList<string>? lines, int most) =>
        [.. (lines ?? []).Take(most).Select(line => PrintableText.Line(line, MachineWords.LongestText)).OfType<string>()];

    private static string? Uuid(string? text) => Guid.TryParseExact(text, "D", out var uuid) ? uuid.ToString() : null;
}

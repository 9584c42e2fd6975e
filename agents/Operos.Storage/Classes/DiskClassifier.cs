using Operos.Storage.Looks;
using Operos.Storage.Signatures;

namespace Operos.Storage.Classes;

/// <summary>
/// Decides what a disk is. Pure. What is not provably blank or ours is neither: a disk that is in any doubt is told with the reason, and no
/// part of Operos writes to it.
/// </summary>
public static class DiskClassifier
{
    /// <summary>How many signatures are named; the others are counted.</summary>
    private const int MostNamed = 6;

    /// <summary>Judges all disks of a machine: one that is seen twice, and a copy beside its original, show only together.</summary>
    public static IReadOnlyList<DiskVerdict> Classify(IReadOnlyList<DiskEvidence> disks, DiskPolicy policy) =>
        DiskSet.Compare([.. disks.Select(disk => Classify(disk, policy))]);

    /// <summary>Judges a disk by itself.</summary>
    public static DiskVerdict Classify(DiskEvidence disk, DiskPolicy policy)
    {
        var claimed = RecordClaim.Judge(disk, policy);
        var uses = UsesOf(disk).ToList();
        if (uses.Count > 0 && claimed?.Class != DiskClass.Ours)
            return new(DiskClass.InUse, [.. uses, .. claimed?.Reasons ?? ContentsOf(disk)], disk);
        if (Unsuitable(disk, policy) is { } reason)
            return new(DiskClass.Unsuitable, [reason, .. claimed?.Reasons ?? ContentsOf(disk)], disk);
        if (claimed is not null) return claimed with { Reasons = [.. claimed.Reasons, .. uses] };
        if (disk.Signatures.Count > 0) return new(DiskClass.Foreign, [.. ContentsOf(disk)], disk);
        return Doubts(disk).ToList() is { Count: > 0 } doubts
            ? new(DiskClass.Doubtful, doubts, disk)
            : new(DiskClass.Blank, [$"every place where anything known would stand is erased ({disk.BytesRead >> 20} MiB read)"], disk);
    }

    /// <summary>What is there, in words.</summary>
    internal static IEnumerable<string> ContentsOf(DiskEvidence disk)
    {
        foreach (var signature in disk.Signatures.Take(MostNamed)) yield return $"{signature}";
        if (disk.Signatures.Count > MostNamed) yield return $"and {disk.Signatures.Count - MostNamed} more signatures";
        foreach (var table in disk.Tables.DistinctBy(table => (table.Id, table.Sector)))
        {
            var names = table.Partitions.Select(partition => partition.Name).OfType<string>().Distinct().Take(MostNamed).ToList();
            yield return $"its GPT has {Partitions(table.Partitions.Count)}{(names.Count > 0 ? $": {string.Join(", ", names)}" : "")}";
            if (table.Sector != disk.Facts.LogicalSector)
                yield return $"its GPT was written for sectors of {table.Sector} bytes, and this disk has {disk.Facts.LogicalSector}";
            if (disk.Tables.All(other => other.IsBackup || other.Sector != table.Sector))
                yield return "of its GPT only the backup is whole";
        }
    }

    private static string Partitions(int count) => count == 1 ? "1 partition" : $"{count} partitions";

    private static IEnumerable<string> UsesOf(DiskEvidence disk)
    {
        if (disk.Facts.IsBootMedium) yield return "the running system was read from it";
        foreach (var use in disk.Facts.Uses)
            yield return use.StartsWith("mounted", StringComparison.Ordinal) || use == "swap" ? $"in use: {use}" : $"in use by {use}";
    }

    private static string? Unsuitable(DiskEvidence disk, DiskPolicy policy)
    {
        var facts = disk.Facts;
        var wrong = facts.IsVirtualMedia ? "it is virtual media of the machine's management controller"
            : facts.Transport == Transport.File && !policy.TakesFiles ? "it is a file" : facts.Transport.WhyNotUsed();
        if (wrong is not null) return wrong;
        if (facts.IsRemovable) return "its medium can be taken out";
        if (facts.IsReadOnly) return "it cannot be written";
        if (facts.IsZoned) return "it is zoned: it cannot be written in any order";
        if (facts.LogicalSector is not (512 or 4096)) return $"its sectors have {facts.LogicalSector} bytes";
        var size = disk.Bytes > 0 ? disk.Bytes : facts.Bytes;
        if (size == 0) return disk.GivenUp is null ? "it has no medium" : null;
        return size < policy.SmallestBytes
            ? $"it has {OffsetText.Of(size)}, and the smallest that is used has {OffsetText.Of(policy.SmallestBytes)}" : null;
    }

    /// <summary>Why a disk on which nothing known was found is not blank all the same.</summary>
    private static IEnumerable<string> Doubts(DiskEvidence disk)
    {
        if (disk.GivenUp is not null) yield return disk.GivenUp;
        foreach (var failure in disk.Failures.Take(MostNamed)) yield return $"it cannot be read at {failure}";
        if (disk.Facts.Bytes > 0 && disk.Bytes > 0 && disk.Facts.Bytes != disk.Bytes)
            yield return $"the kernel says {disk.Facts.Bytes} bytes, and then {disk.Bytes}: its size is changing";
        if (disk.Facts.Partitions.Count > 0)
            yield return $"the kernel knows {Partitions(disk.Facts.Partitions.Count)} of it, and no table with them was found";
        if (disk.Content is not { } content)
        {
            yield return "what it holds was not read";
            yield break;
        }
        if (content.Written.Count > 0)
            yield return $"it holds data of no form that is known, at {string.Join(", ", content.Written.Select(OffsetText.Of))}";
        if (!content.IsComplete && content.Written.Count == 0) yield return "not every place where something would stand could be read";
    }
}

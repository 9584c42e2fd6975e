using Operos.Storage.Looks;

namespace Operos.Storage.Classes;

/// <summary>What shows only when a machine's disks are looked at together.</summary>
internal static class DiskSet
{
    public static IReadOnlyList<DiskVerdict> Compare(IReadOnlyList<DiskVerdict> disks) =>
        [.. disks.Select((disk, index) => AsPath(disk, index, disks) ?? AsCopy(disk, disks) ?? disk)];

    /// <summary>A disk with two ports or paths is used by the first; where its paths show different things, by none.</summary>
    private static DiskVerdict? AsPath(DiskVerdict disk, int index, IReadOnlyList<DiskVerdict> disks)
    {
        var paths = disks.Where(other => IsSame(disk.Evidence.Facts, other.Evidence.Facts)).ToList();
        if (paths.Count == 0 || paths is [var only] && ReferenceEquals(only, disk)) return null;
        var names = string.Join(", ", paths.Select(path => path.Evidence.Facts.Name));
        if (paths.Any(path => path.Class != disk.Class || path.Record?.Disk != disk.Record?.Disk))
            return disk with { Class = DiskClass.Doubtful, Reasons = [$"{names} say that they are one disk, and hold different things",
                .. disk.Reasons] };
        return disks.Take(index).Any(earlier => IsSame(disk.Evidence.Facts, earlier.Evidence.Facts))
            ? disk with { Class = DiskClass.InUse, Reasons = [$"another path to the same disk: {names}"] }
            : disk with { Reasons = [.. disk.Reasons, $"it has several paths: {names}"] };
    }

    /// <summary>Two disks with one id: which of them is the copy, nobody can tell.</summary>
    private static DiskVerdict? AsCopy(DiskVerdict disk, IReadOnlyList<DiskVerdict> disks)
    {
        if (disk.Record is not { } record || disk.Class is not (DiskClass.Ours or DiskClass.UnfinishedOurs)) return null;
        var twins = disks.Where(other => !ReferenceEquals(other, disk) && other.Record?.Disk == record.Disk
            && !IsSame(disk.Evidence.Facts, other.Evidence.Facts)).Select(other => other.Evidence.Facts.Name).ToList();
        return twins.Count == 0 ? null : disk with { Class = DiskClass.Doubtful,
            Reasons = [$"{string.Join(", ", twins)} has the same id: one is a copy of the other", .. disk.Reasons] };
    }

    /// <summary>
    /// By world-wide name, serial and size together: there are vendors that give one name to a batch. A disk without a name or a serial is
    /// like no other.
    /// </summary>
    private static bool IsSame(DiskFacts one, DiskFacts other) => one.Wwn is not null && one.Serial is not null
        && one.Wwn == other.Wwn && one.Serial == other.Serial && one.Bytes == other.Bytes;
}

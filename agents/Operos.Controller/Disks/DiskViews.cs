using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Proto;
using Operos.Storage.Wipes;

namespace Operos.Controller.Disks;

/// <summary>What machines said of their disks, as operators see it: with what the controller knows, and the next step.</summary>
internal sealed class DiskViews(DiskReports reports, ExcludedDisks excluded, MachineRegistry machines, Sessions sessions, TimeProvider time)
{
    /// <summary>Of an answer's 4 MiB; the machines that are silent need some, too.</summary>
    private const int PageBytes = 1 << 20;

    /// <summary>As it is typed.</summary>
    public static string Call(DiskEntry entry) => $"{entry.MachineName}/{entry.Disk.Name}";

    /// <summary>
    /// As many as an answer takes with what else is in it: what one disk is said to be may be some ten kilobytes, and no machine's words
    /// keep the list of the others away.
    /// </summary>
    /// <param name="machine">Null for all.</param>
    /// <param name="after">What the page before ended with; empty for the first one.</param>
    public DiskList Page(string? machine, string after)
    {
        var rest = List(machine).Where(entry => after.Length == 0 || IsAfter(entry, after)).ToList();
        var (count, bytes) = (0, 0);
        while (count < rest.Count && (count == 0 || bytes < PageBytes))
            bytes += DiskWords.BytesOf(rest[count++]);
        return new DiskList
        {
            Disks = rest[..count], Silent = after.Length == 0 ? Silent(machine) : [],
            Next = count < rest.Count ? Call(rest[count - 1]) : null,
        };
    }

    /// <param name="machine">Null for all.</param>
    public IReadOnlyList<DiskEntry> List(string? machine)
    {
        var now = time.GetUtcNow();
        return
        [
            .. reports.All.Where(report => machine is null || report.Machine == machine)
                .SelectMany(report => report.Disks.Select(disk => Entry(report, disk, now)))
                .Order(Comparer<DiskEntry>.Create((one, other) =>
                    Compare((one.MachineName, one.Disk.Name), (other.MachineName, other.Disk.Name)))),
        ];
    }

    /// <summary>sdb comes before sdaa.</summary>
    private static int Compare((string Machine, string Name) one, (string Machine, string Name) other) =>
        string.CompareOrdinal(one.Machine, other.Machine) is not 0 and var machines ? machines
            : one.Name.Length.CompareTo(other.Name.Length) is not 0 and var length ? length : string.CompareOrdinal(one.Name, other.Name);

    private static bool IsAfter(DiskEntry entry, string call)
    {
        var slash = call.LastIndexOf('/');
        return Compare((entry.MachineName, entry.Disk.Name), (call[..Math.Max(slash, 0)], call[(slash + 1)..])) > 0;
    }

    /// <exception cref="RefusedException">There is none, or there are several.</exception>
    public DiskEntry Find(string called) => DiskLookup.Find(List(null), called, DiskLookup.Among(machines));

    /// <summary>What is missing in the list: machines that said nothing, and disks that are kept out and are nowhere.</summary>
    public IReadOnlyList<string> Silent(string? machine)
    {
        var told = reports.All;
        var names = machines.All.Where(record => record is { Standing: MachineStanding.Admitted, Kind: "worker" }
                && (machine is null || record.Id == machine) && told.All(report => report.Machine != record.Id))
            .Select(record => $"{record.Name ?? record.Id} has not told its disks: "
                + (sessions.Get(record.Id) is null ? "it is not connected"
                    : "its agent is looking, or of a version that does not tell them"));
        var lost = machine is not null ? [] : InNoMachine(excluded.All)
            .Select(disk => $"{disk.Identity} is kept out by {disk.By} and in no machine now; it was {disk.Where}");
        return [.. names.Order(StringComparer.Ordinal), .. lost, .. excluded.Trouble is { } trouble ? (string[])[trouble] : []];
    }

    /// <summary>Those of them that no machine said to have.</summary>
    public List<Exclusion> InNoMachine(IReadOnlyList<Exclusion> those)
    {
        var present = reports.All.SelectMany(report => report.Disks.SelectMany(disk => NamesOf(disk))
            .Select(name => excluded.Find(name, report.Machine))).OfType<Exclusion>().ToHashSet();
        return [.. those.Where(disk => !present.Contains(disk))];
    }

    private DiskEntry Entry(DiskReport report, DiskState disk, DateTimeOffset now)
    {
        var record = machines.Get(report.Machine);
        var kept = excluded.Find(disk.Identity, report.Machine);
        var entry = new DiskEntry
        {
            Machine = report.Machine, MachineName = record?.Name ?? report.Machine, Disk = disk,
            AsOfUnixMs = report.At.ToUnixTimeMilliseconds(), Up = sessions.Get(report.Machine)?.IsUp(now) == true,
            Excluded = kept is null ? null : $"by {kept.By} since {kept.At.UtcDateTime:yyyy-MM-dd HH:mm} UTC",
        };
        return entry with { WayOut = WayOut(entry) };
    }

    /// <summary>Why a disk would not be wiped now, and the next step; null where it would.</summary>
    public (string Text, string? Hint)? NotWiped(DiskEntry entry)
    {
        var (disk, call) = (entry.Disk, Call(entry));
        if (!entry.Up)
            return ($"{entry.MachineName} is not up: nothing on it can be wiped", $"operosctl machines show {entry.MachineName}");
        if (disk.Evidence.Length == 0)
            return ($"{call} cannot be read, so nobody could say what was on it: it is not wiped",
                $"look at it (operosctl disks locate {call}), and replace it if it fails");
        if (disk.Class is "in-use" or "unsuitable")
            return ($"{call} is {disk.Class}: {disk.Reasons.FirstOrDefault() ?? "no reason is known"}", null);
        if (disk.Uses.FirstOrDefault(use => use.MountedAt is not null) is { } use)
            return ($"{call} is in use: {use.Use} at {use.MountedAt}",
                $"operosctl disks exclude {call}, operosctl machines reboot {entry.MachineName}, then wipe it");
        if (excluded.Find(disk.Identity, entry.Machine) is null) return null;
        if (disk.Place is null && DiskIdentity.IsByRecord(disk.Identity))
            return ($"{call} is kept out by its record alone, and the agent of {entry.MachineName} is too old to tell its place: wiped now "
                + "it would be put to work", $"operosctl machines reboot {entry.MachineName} starts this release, then wipe it");
        var kept = NamesOf(disk).Select(name => excluded.Find(name, entry.Machine)).ToList();
        if (kept.Any(one => one is null))
            return ($"{call} is kept out by its record alone, which a wipe erases: it would be put to work again",
                $"operosctl disks exclude {call} once more keeps out what is in its place, whatever is on it");
        if (kept.Any(one => !excluded.IsHeard(one!, entry.Machine)))
            return ($"{call} is to be kept out, and its machine may not have heard that yet: wiped now it might be put to work",
                $"wait half a minute, then operosctl disks wipe {call}");
        return null;
    }

    /// <summary>Its identity, and what that will be when it is wiped, where that is another.</summary>
    private static IEnumerable<string> NamesOf(DiskState disk) => ((string?[])[disk.Identity, disk.Place]).OfType<string>();

    private static string? WayOut(DiskEntry entry)
    {
        var (disk, call) = (entry.Disk, Call(entry));
        if (entry.Excluded is not null) return $"to have it used again: operosctl disks reclaim {call}";
        return disk.Class switch
        {
            "foreign" => $"if nothing on it is needed: operosctl disks wipe {call}; if it is: operosctl disks exclude {call}",
            "doubtful" when disk is { WipeCut: true, Evidence.Length: > 0 } =>
                $"its wipe was cut: if nobody put anything on it since, order it again: operosctl disks wipe {call}",
            "doubtful" when disk.Evidence.Length > 0 =>
                $"look at it (operosctl disks locate {call}); if nothing on it is needed: operosctl disks wipe {call}",
            "doubtful" => $"it does not answer as a disk should: look at it (operosctl disks locate {call}), and replace it if it fails",
            "in-use" => $"what uses it on {entry.MachineName} must end first",
            "unfinished-ours" when disk.Failure is not null => $"if it does not go on: operosctl disks wipe {call}",
            _ => null,
        };
    }
}

using Operos.Controller.Machines;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Disks;

/// <summary>
/// A disk by what an operator calls it: MACHINE/NAME, its identity or the id in its record, else a start of one of the last two. Case
/// never counts. What stands before the last slash is a machine first: a disk says its identity itself, and another's name may be in it.
/// </summary>
internal static class DiskLookup
{
    private const int ShortestStart = 4, MostTold = 8;

    /// <param name="machine">Finds a machine by what it is called; null where there is none.</param>
    /// <exception cref="RefusedException">There is none, or there are several: then each is named.</exception>
    public static DiskEntry Find(IReadOnlyList<DiskEntry> disks, string called, Func<string, string?> machine)
    {
        called = called.Trim();
        List<DiskEntry> found;
        if (Machine(called, machine) is { } id)
            found = [.. disks.Where(entry => entry.Machine == id && entry.Disk.Name == called[(called.LastIndexOf('/') + 1)..])];
        else
        {
            found = Those(disks, name => Same(name, called));
            if (found.Count == 0 && called.Length >= ShortestStart)
                found = Those(disks, name => name.StartsWith(called, StringComparison.OrdinalIgnoreCase));
        }
        // One that moved is still in the last word of the machine where it was.
        if (found.Count > 1 && found.Where(entry => entry.Up).ToList() is { Count: > 0 } present
            && found.Select(entry => entry.Disk.Identity).Distinct().Count() == 1) found = present;
        return found switch
        {
            [var one] => one,
            [] => throw new RefusedException(RefusalKind.NotFound, $"no disk '{PrintableText.Line(called)}'",
                "operosctl disks lists them; MACHINE/NAME such as w1/sda, an identity or a start of it (4 characters) are understood"),
            _ => throw new RefusedException(RefusalKind.Conflict, $"'{PrintableText.Line(called)}' may be {found.Count} disks: "
                + string.Join(", ", found.Take(MostTold).Select(DiskViews.Call)) + (found.Count > MostTold ? ", ..." : ""),
                "give more of the identity, or MACHINE/NAME"),
        };
    }

    /// <summary>The machine of MACHINE/NAME; null where it is called something else.</summary>
    public static string? Machine(string called, Func<string, string?> machine) =>
        called.LastIndexOf('/') is > 0 and var slash ? machine(called[..slash]) : null;

    /// <summary>As machines are found; null where there is none such, or several.</summary>
    public static Func<string, string?> Among(MachineRegistry machines) => called =>
    {
        try { return machines.Find(called).Id; }
        catch (RefusedException) { return null; }
    };

    /// <summary>Those of which one of the names fits: what stands behind an identity's kind is a name too.</summary>
    private static List<DiskEntry> Those(IReadOnlyList<DiskEntry> disks, Func<string, bool> fits) =>
    [
        .. disks.Where(entry => fits(entry.Disk.Identity) || fits(entry.Disk.Identity[(entry.Disk.Identity.IndexOf(':') + 1)..])
            || (entry.Disk.RecordDisk is { } id && fits(id))),
    ];

    private static bool Same(string one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);
}

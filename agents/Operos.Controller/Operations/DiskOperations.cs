using Operos.Controller.Connections;
using Operos.Controller.Disks;
using Operos.Controller.Machines;
using Operos.Linux;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Operations;

/// <summary>Every disk of a machine or of all, with what it is and why.</summary>
internal sealed class DiskListing(RackDisks disks, MachineRegistry machines) : Reading<ListDisks>("disks list")
{
    protected override Message Read(ListDisks input, Caller caller)
    {
        var machine = string.IsNullOrEmpty(input.Machine) ? null : machines.Find(input.Machine).Id;
        return disks.Views.Page(machine, input.After ?? "");
    }
}

/// <summary>All that is known of one disk.</summary>
internal sealed class DiskDescription(RackDisks disks) : Reading<ShowDisk>("disks show")
{
    protected override Message Read(ShowDisk input, Caller caller)
    {
        var entry = disks.Views.Find(input.Disk);
        return new DiskReply { Entry = entry with { NotWiped = disks.Views.NotWiped(entry) is var (text, hint)
            ? text + (hint is null ? "" : $"; {hint}") : null } };
    }
}

/// <summary>Keeps a disk out, wherever it is put.</summary>
internal sealed class DiskExclusion(RackDisks disks, MachineRegistry machines)
    : Operation<ExcludeDisk>("disks exclude", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(ExcludeDisk input) => [("disk", input.Disk)];

    protected override Task<Message> RunAsync(ExcludeDisk input, Caller caller, CancellationToken cancellationToken)
    {
        var entry = disks.Views.Find(input.Disk);
        var call = DiskViews.Call(entry);
        var place = entry.Disk.Place;
        if (entry.Excluded is { } since && (place is null || disks.Excluded.Find(place, entry.Machine) is not null))
            return Task.FromResult<Message>(new Done { Text = $"{call} is kept out already, {since}" });
        disks.Excluded.Add(entry.Disk.Identity, place, entry.Machine, caller.Name, call);
        machines.Mention(entry.Machine, $"disk {entry.Disk.Name} ({entry.Disk.Identity}) is kept out, by {caller.Name}");
        var until = entry.Disk.Uses.Any(use => use.MountedAt is not null)
            ? "; what is on it stays in use until the machine's next boot" : "";
        var others = place is not null || ExcludedDisks.IsOfPlace(entry.Disk.Identity)
            ? $"; nothing{(place is null ? "" : " but its record")} tells it from another disk in its place, so another without a name "
                + "that is put there is kept out, too" : "";
        return Task.FromResult<Message>(new Done { Text = $"{call} ({entry.Disk.Identity}) is kept out{until}{others}" });
    }
}

/// <summary>Ends that a disk is kept out; also of those of a name that are in no machine now.</summary>
internal sealed class DiskReclaim(RackDisks disks, MachineRegistry machines)
    : Operation<ReclaimDisk>("disks reclaim", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(ReclaimDisk input) => [("disk", input.Disk)];

    protected override Task<Message> RunAsync(ReclaimDisk input, Caller caller, CancellationToken cancellationToken)
    {
        var called = input.Disk.Trim();
        var those = DiskLookup.Machine(called, DiskLookup.Among(machines)) is not null ? []
            : disks.Excluded.All.Where(disk => string.Equals(disk.Identity, called, StringComparison.OrdinalIgnoreCase)).ToList();
        if (those.Count > 1) those = disks.Views.InNoMachine(those);
        if (those.Count > 0)
        {
            disks.Excluded.Remove(those);
            return Task.FromResult<Message>(new Done { Text = $"{those[0].Identity} is no longer kept out"
                + (those.Count > 1 ? $", in any of {those.Count} machines where it no longer is" : "") });
        }
        var entry = disks.Views.Find(input.Disk);
        var call = DiskViews.Call(entry);
        if (disks.Excluded.Find(entry.Disk.Identity, entry.Machine) is not { } kept)
            return Task.FromResult<Message>(new Done { Text = $"{call} is not kept out: it is {entry.Disk.Class}"
                + (entry.WayOut is { } next ? $"; {next}" : "") });
        // Of one that was wiped, also what it was called before, which it no longer is.
        var before = disks.Views.InNoMachine([.. disks.Excluded.All.Where(other => other.Identity == kept.For)]);
        disks.Excluded.Remove([kept, .. before]);
        machines.Mention(entry.Machine, $"disk {entry.Disk.Name} ({entry.Disk.Identity}) is no longer kept out, by {caller.Name}");
        return Task.FromResult<Message>(new Done { Text = $"{call} ({entry.Disk.Identity}) is no longer kept out"
            + (before.Count > 0 ? $", nor is {before[0].Identity}, as it was called before" : "")
            + (entry.Disk.Class is "blank" or "ours" or "unfinished-ours" ? "; its machine uses it within seconds"
            : $"; it is {entry.Disk.Class}, so it stays unused") });
    }
}

/// <summary>Has a disk's light blink.</summary>
internal sealed class DiskLocation(RackDisks disks, Sessions sessions) : Operation<OrderLocate>("disks locate", OperatorRole.Operator)
{
    private const int LongestSeconds = 600;

    protected override IEnumerable<(string Name, string? Value)> Record(OrderLocate input) =>
        [("disk", input.Disk), ("seconds", $"{input.Seconds}")];

    protected override async Task<Message> RunAsync(OrderLocate input, Caller caller, CancellationToken cancellationToken)
    {
        if (input.Seconds is < 1 or > LongestSeconds)
            throw new RefusedException(RefusalKind.Invalid, $"a time of 1 to {LongestSeconds} seconds is expected");
        var entry = disks.Views.Find(input.Disk);
        var done = await DiskSession.AskAsync(sessions, entry,
            new LocateDisk { Disk = entry.Disk.Identity, Seconds = input.Seconds }, cancellationToken).ConfigureAwait(false);
        return new Done { Text = $"{DiskViews.Call(entry)}: {done.Text}" };
    }
}

/// <summary>Orders to the machine that a disk is in.</summary>
internal static class DiskSession
{
    /// <exception cref="RefusedException">The machine is not connected, does not answer, or says no.</exception>
    public static async Task<Done> AskAsync(Sessions sessions, DiskEntry entry, Message order, CancellationToken cancellationToken)
    {
        var session = sessions.Get(entry.Machine) ?? throw new RefusedException(RefusalKind.Conflict,
            $"{entry.MachineName} is not connected", $"operosctl machines show {entry.MachineName}");
        try
        {
            var done = await session.Connection.CallAsync<Done>(order, cancellationToken).ConfigureAwait(false);
            return new Done { Text = PrintableText.Line(done.Text, MachineWords.LongestText) ?? "" };
        }
        catch (ControlFaultException e)
        {
            throw new RefusedException(RefusalKind.Conflict, PrintableText.Line(e.Message, MachineWords.LongestText) ?? "it says no",
                PrintableText.Line(e.Hint, MachineWords.LongestText));
        }
        catch (Exception e) when (e is IOException or TimeoutException or ObjectDisposedException)
        {
            throw new RefusedException(RefusalKind.Conflict,
                $"{entry.MachineName} has not answered ({e.Message}): the order may be carried out all the same",
                $"operosctl disks show {DiskViews.Call(entry)}");
        }
    }
}

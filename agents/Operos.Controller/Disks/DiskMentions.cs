using Operos.Controller.Machines;
using Operos.Proto;

namespace Operos.Controller.Disks;

/// <summary>
/// What an operator wants to find later in a machine's history: disks that came and went, and how wipes ended. So much in a day and no
/// more: a machine chooses the words, and the history is that of all machines.
/// </summary>
internal sealed class DiskMentions(MachineRegistry machines, TimeProvider time)
{
    public const int MostInADay = 256;
    private const int MostAtOnce = 16;
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly Lock daysLock = new();
    private readonly Dictionary<string, (long Since, int Count)> days = new(StringComparer.Ordinal);

    /// <summary>Compares what a machine said before with what it says now.</summary>
    public void Tell(string machine, IReadOnlyList<DiskState> before, IReadOnlyList<DiskState> now)
    {
        foreach (var disk in now.ExceptBy(before.Select(other => other.Identity), disk => disk.Identity).Take(MostAtOnce))
            Note(machine, $"disk {disk.Name} ({disk.Identity}) is new: {disk.Class}");
        foreach (var disk in before.ExceptBy(now.Select(other => other.Identity), disk => disk.Identity).Take(MostAtOnce))
            Note(machine, $"disk {disk.Name} ({disk.Identity}) is gone");
        foreach (var disk in now.Where(disk => disk.Wipe is { State: not DiskWipe.Running }).Take(MostAtOnce))
            if (!before.Any(other => other.Wipe is { State: not DiskWipe.Running } wipe && wipe.Order == disk.Wipe!.Order))
                Note(machine, $"wipe of disk {disk.Name} is {disk.Wipe!.State}: {disk.Wipe.Text}");
    }

    public void Note(string machine, string happened)
    {
        int count;
        lock (daysLock)
        {
            if (!days.TryGetValue(machine, out var day) || time.GetElapsedTime(day.Since) > Day) day = (time.GetTimestamp(), 0);
            count = day.Count;
            days[machine] = (day.Since, Math.Min(count + 1, MostInADay + 1));
        }
        if (count < MostInADay) machines.Mention(machine, happened);
        else if (count == MostInADay)
            machines.Mention(machine, $"it told over {MostInADay} changes of its disks in a day: no more of them are noted for a day");
    }
}

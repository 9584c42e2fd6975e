using Operos.Controller.Machines;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>What happened to machines, also to those that are not there any more.</summary>
internal sealed class EventReading(MachineRegistry machines, EventLog events) : Reading<ListEvents>("events")
{
    private const int Most = 1000, ShortestStart = 4;

    protected override Message Read(ListEvents input, Caller caller)
    {
        var since = DateTimeOffset.FromUnixTimeMilliseconds(
            Math.Clamp(input.SinceUnixMs, 0, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
        var concerns = string.IsNullOrEmpty(input.Machine) ? _ => true : Concerns(input.Machine);
        var (found, more) = events.Read(happened => happened.At >= since && concerns(happened), Most);
        if (found.Count == 0 && !string.IsNullOrEmpty(input.Machine)) Require(input.Machine, concerns);
        return new EventList
        {
            Events = [.. found.Select(happened => new RackEvent
            {
                UnixMs = happened.At.ToUnixTimeMilliseconds(), Machine = happened.Machine, Name = happened.Name, Text = happened.Text,
            })],
            More = more,
        };
    }

    /// <summary>Nothing is told of a machine only where there is one, or was.</summary>
    /// <exception cref="RefusedException">There is none.</exception>
    private void Require(string called, Func<MachineHappening, bool> concerns)
    {
        if (events.Read(concerns, 1).Events.Count > 0) return;
        try { machines.Find(called); }
        catch (RefusedException e) when (e.Kind == RefusalKind.NotFound)
        {
            throw new RefusedException(RefusalKind.NotFound,
                $"no machine '{PrintableText.Line(called)}', and nothing is remembered of one that was removed", e.Hint);
        }
    }

    /// <summary>One that was removed is known by its UUID, a start of it, or the name that it had.</summary>
    private Func<MachineHappening, bool> Concerns(string called)
    {
        string? known = null;
        try { known = machines.Find(called).Id; }
        catch (RefusedException e) when (e.Kind == RefusalKind.NotFound) { }
        if (known is not null) return happened => happened.Machine == known;
        return happened => string.Equals(happened.Name, called, StringComparison.OrdinalIgnoreCase)
            || (called.Length >= ShortestStart && happened.Machine.StartsWith(called, StringComparison.OrdinalIgnoreCase));
    }
}

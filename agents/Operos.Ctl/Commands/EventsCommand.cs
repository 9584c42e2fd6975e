using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl events</c>: what happened to machines, also to those that were removed.</summary>
internal static class EventsCommand
{
    public static Command Create()
    {
        var machine = new Argument<string?>("machine")
        {
            Description = MachineCommands.Called + "; of a removed one its UUID, a start of it, or its name; all without one",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var since = DurationOption.Create("--since",
            "Only what happened in this time, such as 30m, 8h or 7d; all without it", TimeSpan.Zero);
        var command = new Command("events", "Show what happened to machines, also to those that were removed") { machine, since };
        command.Shows<EventList>(result => new ListEvents
        {
            Machine = result.GetValue(machine),
            SinceUnixMs = result.GetValue(since) is { Ticks: > 0 } span ? (DateTimeOffset.UtcNow - span).ToUnixTimeMilliseconds() : 0,
        }, Render);
        return command;
    }

    internal static string Render(EventList list)
    {
        if (list.Events.Count == 0) return "nothing happened that is remembered\n";
        var table = Table.Render(["WHEN (UTC)", "MACHINE", "NAME", "WHAT"],
            [.. list.Events.Select(happened => (IReadOnlyList<string>)
            [
                $"{Figures.Time(happened.UnixMs).UtcDateTime:yyyy-MM-dd HH:mm:ss}", happened.Machine, happened.Name ?? "-", happened.Text,
            ])]);
        return list.More ? table + "there are older ones: --since shows a shorter time, a machine's name its own\n" : table;
    }
}

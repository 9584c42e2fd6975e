using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl audit</c>: who asked for what, and what became of it.</summary>
internal static class AuditCommand
{
    public static Command Create()
    {
        var since = DurationOption.Create("--since",
            "Only what was asked for in this time, such as 30m, 8h or 7d; all without it", TimeSpan.Zero);
        var user = new Option<string?>("--user") { Description = "Only what this operator asked for" };
        var command = new Command("audit", "Show what operators asked for, done or refused (admins only)") { since, user };
        command.Shows<AuditList>(result => new ListAudit
        {
            SinceUnixMs = result.GetValue(since) is { Ticks: > 0 } span ? (DateTimeOffset.UtcNow - span).ToUnixTimeMilliseconds() : 0,
            User = result.GetValue(user),
        }, Render);
        return command;
    }

    internal static string Render(AuditList list)
    {
        IReadOnlyList<string> heads = ["WHEN (UTC)", "WHO", "ROLE", "FROM", "OUTCOME", "WHAT"];
        var text = list.Records.Count == 0 ? "nothing was asked for\n" : Table.Render(heads,
            [.. list.Records.Select(record => (IReadOnlyList<string>)
            [
                $"{Figures.Time(record.UnixMs).UtcDateTime:yyyy-MM-dd HH:mm:ss}", record.User, record.Role, record.From,
                record.Outcome ?? "unknown", What(record),
            ])]);
        if (list.More) text += "there are older ones: --since shows a shorter time\n";
        if (list.DamagedLines > 0)
            text += $"{list.DamagedLines} lines of the log are damaged, as after a power cut, and are not shown\n";
        if (list.NewerLines > 0)
            text += $"{list.NewerLines} lines of the log were written by a newer version of the controller, and are not shown: "
                + "run that version to see them\n";
        return text;
    }

    private static string What(AuditRecord record) =>
        string.Join(' ', record.Arguments.Select(argument => $"{argument.Key}={argument.Value}").Prepend(record.Operation))
        + (record.Text is null ? "" : $": {record.Text}");
}

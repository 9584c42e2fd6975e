using System.Text;
using System.Text.Json;
using Operos.Controller.Connections;
using Operos.Controller.Jobs;
using Operos.Controller.Machines;
using Operos.Proto;
using Operos.Release;

namespace Operos.Controller.Operations;

/// <summary>Records and sessions as operators see them.</summary>
internal sealed class MachineViews(Sessions sessions, LostDisks lostDisks, TimeProvider time)
{
    private const string Stopping = "stopping";
    private readonly DateTimeOffset started = time.GetUtcNow();

    /// <summary>Why a machine is not Ready whatever its kubelet said last; null where nothing is known of that.</summary>
    public string? GoingDown(MachineRecord record) => record.IsRebooting(time.GetUtcNow()) ? $"rebooting: {record.RebootOrdered}"
        : sessions.Get(record.Id)?.Last?.SystemState == Stopping ? "shutting down" : null;

    /// <summary>The boot that a machine is in, as its agent says; null where it is not connected.</summary>
    public string? BootOf(string machine) => sessions.Get(machine)?.BootId;

    /// <summary>What becomes of a machine that lost the disk of its node; null where it has it.</summary>
    public LostDiskWords? LostDisk(MachineRecord record) => lostDisks.Of(record);

    public MachineSummary Summarise(MachineRecord record)
    {
        var session = sessions.Get(record.Id);
        var now = time.GetUtcNow();
        var answers = record.Kind == "controller" || session?.IsUp(now) == true;
        // One that had a session when the controller's agent ended is silent no longer than that has been away and back. Between its
        // connection and its first word it is not down either.
        var up = answers || (session?.Last is null && record.Connected && now - started <= Sessions.LongestSilence);
        var boot = ReadBoot(record);
        return new MachineSummary
        {
            Id = record.Id,
            Name = record.Name,
            Kind = record.Kind,
            State = record.Standing != MachineStanding.Admitted ? record.Standing.ToString().ToLowerInvariant()
                : record.IsRebooting(now) ? "rebooting" : up ? "up" : "down",
            Release = boot?.Release,
            Address = record.Address,
            Model = string.Join(' ', new[] { record.Inventory.System.Vendor, record.Inventory.System.Product }.OfType<string>()),
            Cpus = record.Inventory.LogicalCpus,
            MemoryBytes = record.Inventory.MemoryBytes,
            Disks = record.Inventory.Disks.Count,
            LastSeenUnixMs = (record.Kind == "controller" ? now : session?.LastSign > record.LastSeen ? session.LastSign : record.LastSeen)
                .ToUnixTimeMilliseconds(),
            BootedUnixMs = session?.Last is { } beat ? now.ToUnixTimeMilliseconds() - beat.UptimeSeconds * 1000 : 0,
            Alarm = Alarm(record),
            Returned = up && record.Alarm is null ? null : Returned(record),
            Note = record.Standing switch
            {
                MachineStanding.Pending when record.ResolvedAs is not null => "approved; joins when it asks next",
                MachineStanding.Pending => $"{(record.Reason is { } why ? why + ": " : "")}operosctl machines approve {record.Id}",
                MachineStanding.Ambiguous => $"{record.Reason}: {ResolveCommand(record)}",
                MachineStanding.Admitted when record.IsRebooting(now) => $"rebooting, {record.RebootOrdered}: "
                    + (answers ? "it still answers" : "it goes down or boots; see its console"),
                MachineStanding.Admitted when LostDisk(record) is { } words => words.Text,
                MachineStanding.Admitted when record.RebootOrdered is { } order => up ? $"{order} to reboot, and did not"
                    : $"{order} to reboot, and did not come back: see its console",
                MachineStanding.Admitted when up && !answers =>
                    "it was connected when the controller's agent ended, and has not been heard of since",
                MachineStanding.Admitted when !up && session is not null =>
                    "connected, but its agent sends no heartbeats: it hangs; see its console",
                MachineStanding.Admitted when !up => "not connected: powered off, booting, or cut off; see its console",
                MachineStanding.Admitted => session?.Last?.Steps.FirstOrDefault(step => step is
                    { Name: "memory", Done: false, Text: not NodeStep.NotBegun })?.Text,
                _ => null,
            },
        };
    }

    /// <summary>Clocks of the machines that are up and tell them, the farthest off first.</summary>
    public IReadOnlyList<ClockSkew> Clocks(IEnumerable<MachineRecord> records)
    {
        var now = time.GetUtcNow();
        return [.. records.Select(record => (Record: record, Session: sessions.Get(record.Id)))
            .Where(machine => machine.Session is { ClockAhead: not null } session && session.IsUp(now))
            .Select(machine => new ClockSkew { Id = machine.Record.Id, Name = machine.Record.Name,
                AheadMs = (long)machine.Session!.ClockAhead!.Value.TotalMilliseconds })
            .OrderByDescending(clock => Math.Abs(clock.AheadMs)).ThenBy(clock => clock.Id, StringComparer.Ordinal)];
    }

    public MachineDetail Describe(MachineRecord record) => new()
    {
        Summary = Summarise(record),
        Labels = record.Labels,
        Inventory = record.Inventory.ToJson(),
        BootRecord = record.BootRecord is null ? [] : Encoding.UTF8.GetBytes(record.BootRecord),
        FirstSeenUnixMs = record.FirstSeen.ToUnixTimeMilliseconds(),
        CertificateExpiresUnixMs = record.CertificateExpires?.ToUnixTimeMilliseconds() ?? 0,
        SystemState = sessions.Get(record.Id)?.Last?.SystemState,
        Events = [.. record.Events.Select(happened =>
            new MachineEvent { UnixMs = happened.At.ToUnixTimeMilliseconds(), Text = happened.Text })],
    };

    /// <summary>
    /// What an operator is asked about an admitted machine, with commands that can be copied as they stand; null where nothing is to
    /// settle.
    /// </summary>
    public static string? Alarm(MachineRecord record)
    {
        var (resolve, questions) = ("operosctl machines resolve", new List<string>());
        if (record.Alarm is { } alarm)
            questions.Add($"{alarm.Text}, {alarm.At.UtcDateTime:yyyy-MM-dd HH:mm} UTC: {resolve} {record.Id} --as {record.Id} (if that was "
                + $"well)");
        foreach (var claim in record.Claims.Where(claim => !claim.IsNewMachine))
            questions.Add($"{claim.Address} claims to be it ({claim.Reason}): {resolve} {claim.Id} --as new (or {record.Id}, which puts "
                + $"out who is it now)");
        return questions.Count == 0 ? null : string.Join("; ", questions);
    }

    /// <summary>
    /// What to resolve as the machine where a return that nobody ordered is all that is to settle; null where more is in doubt.
    /// </summary>
    private static string? Returned(MachineRecord record)
    {
        List<Claim> open = [.. record.Claims.Where(claim => !claim.IsNewMachine)];
        return (record.Alarm, open) switch
        {
            (null, [{ IsReturn: true } claim]) => claim.Id,
            ({ }, []) => record.Id,
            _ => null,
        };
    }

    /// <summary>A command that can be copied as it stands, and what else may be said in it.</summary>
    public static string ResolveCommand(MachineRecord record)
    {
        IReadOnlyList<string> choices = [.. record.Candidates, "new"];
        return $"operosctl machines resolve {record.Id} --as {choices[0]}"
            + (choices.Count > 1 ? $" (or {string.Join(", or ", choices.Skip(1))})" : "");
    }

    private static BootRecord? ReadBoot(MachineRecord record)
    {
        try { return record.BootRecord is null ? null : JsonSerializer.Deserialize(record.BootRecord, ReleaseJson.Default.BootRecord); }
        catch (JsonException) { return null; }
    }
}

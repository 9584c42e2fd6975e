using System.Globalization;
using System.Text;
using Operos.Linux;
using Operos.Worker.Node;

namespace Operos.Worker.Diagnosis;

/// <summary>The agent's status as a person at the machine reads it.</summary>
internal static class StatusText
{
    private const int LongestText = 512;
    /// <summary>The agent writes it with each heartbeat, every 10 s, and where it waits, every few.</summary>
    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(2);
    /// <summary>chronyd asks the controller every two minutes at most.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(10);

    public static string Write(WorkerStatus status, DateTimeOffset now)
    {
        var text = new StringBuilder();
        Line(text, "machine", status.Machine is { } id ? $"{id}{(status.Name is { } name ? $" ({name})" : "")}" : "no id yet");
        var age = now - status.Since;
        Line(text, "agent", $"{status.State}{(status.Text is { } said ? $": {said}" : "")}");
        if (status.LastError is { } error) Line(text, "", $"last error: {error}");
        if (status.Since != default)
            Line(text, "", $"written {Ago(age)}{(age > Stale ? "; does operos-worker.service run? systemctl status operos-worker" : "")}");
        Line(text, "node", Node(status));
        foreach (var osd in status.Osds ?? [])
            Line(text, osd.Id < 0 ? "osd" : string.Create(CultureInfo.InvariantCulture, $"osd.{osd.Id}"), $"{osd.Text}, disk {osd.Disk}");
        if (status.CertificateExpires is { } expires)
            Line(text, "certificate", expires > now ? $"until {Time(expires)}, {Span(expires - now)} left" : $"ended {Ago(now - expires)}");
        return text.ToString().TrimEnd('\n');
    }

    public static string Write(string name, ClockView clock, DateTimeOffset now)
    {
        var text = new StringBuilder();
        Line(text, name, clock switch
        {
            { Problem: { } problem } => $"nothing keeps it: {problem}; systemctl status operos-chrony",
            { Tracking: { Source: { } source } tracking } => $"kept by {source}, {tracking.Offset}"
                + (now - tracking.Measured is var silence && silence > LongestSilence ? $"; not heard for {Span(silence)}" : ""),
            _ => "kept by nobody yet: no time server has answered often enough; chronyc sources",
        });
        return text.ToString().TrimEnd('\n');
    }

    /// <summary>A line of what this and <see cref="DiagnosisText"/> show: what comes from outside steers no terminal.</summary>
    internal static void Line(StringBuilder text, string name, string value) =>
        text.Append(null, $"{name,-12}{PrintableText.Line(value, LongestText)}\n");

    internal static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    internal static string Ago(TimeSpan span) => span < TimeSpan.Zero ? "in the future: the clock was set back" : $"{Span(span)} ago";

    internal static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 90 } => $"{span.TotalSeconds:0} s",
        { TotalMinutes: < 90 } => $"{span.TotalMinutes:0} min",
        { TotalHours: < 48 } => $"{span.TotalHours:0} h",
        _ => $"{span.TotalDays:0} days",
    };

    private static string Node(WorkerStatus status)
    {
        if (status.Kubernetes is not { Count: > 0 } steps) return "none: it runs no pods";
        var waits = steps.Where(step => !step.Done).ToList();
        if (waits.Count == 0) return $"all {steps.Count} steps are done";
        return $"{steps.Count - waits.Count} of {steps.Count} steps are done; waits for "
            + string.Join(", ", waits.Select(step => step.Text.Length > 0 ? $"{step.Name} ({step.Text})" : step.Name));
    }
}

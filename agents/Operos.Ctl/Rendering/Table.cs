using System.Text;

namespace Operos.Ctl.Rendering;

/// <summary>Columns as wide as their widest cell; the last one runs on. A cell is one line, whatever it was.</summary>
internal static class Table
{
    public static string Render(IReadOnlyList<string> heads, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        rows = [.. rows.Select(row => (IReadOnlyList<string>)[.. row.Select(Terminal.Line)])];
        var widths = heads.Select((head, column) => rows.Select(row => row[column].Length).Append(head.Length).Max()).ToList();
        var text = new StringBuilder();
        foreach (var row in rows.Prepend(heads))
            text.Append(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd()).Append('\n');
        return text.ToString();
    }
}

/// <summary>Figures as people read them.</summary>
internal static class Figures
{
    private static readonly long Earliest = DateTimeOffset.MinValue.ToUnixTimeMilliseconds(),
        Latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    public static string Age(long unixMs, DateTimeOffset now)
    {
        if (unixMs <= 0) return "-";
        var age = now - Time(unixMs);
        return age.TotalSeconds < 0 ? "now" : Span(age) + " ago";
    }

    /// <summary>A time as it came; one that no calendar has is the nearest that it has.</summary>
    public static DateTimeOffset Time(long unixMs) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(unixMs, Earliest, Latest));

    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 90 } => $"{span.TotalSeconds:0}s",
        { TotalMinutes: < 90 } => $"{span.TotalMinutes:0}m",
        { TotalHours: < 48 } => $"{span.TotalHours:0}h",
        _ => $"{span.TotalDays:0}d",
    };

    public static string Size(long bytes) => bytes switch
    {
        <= 0 => "-",
        < 1_000_000 => $"{bytes / 1e3:0} kB",
        < 1_000_000_000 => $"{bytes / 1e6:0} MB",
        < 1_000_000_000_000 => $"{bytes / 1e9:0.0} GB",
        _ => $"{bytes / 1e12:0.0} TB",
    };
}

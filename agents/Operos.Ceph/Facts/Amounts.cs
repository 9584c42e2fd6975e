namespace Operos.Ceph.Facts;

/// <summary>How much is copied between OSDs, and how long that takes, in words.</summary>
public static class Amounts
{
    public static string Size(long bytes) => bytes switch
    {
        < 1_000_000 => $"{bytes / 1e3:0} kB",
        < 1_000_000_000 => $"{bytes / 1e6:0} MB",
        < 1_000_000_000_000 => $"{bytes / 1e9:0.0} GB",
        _ => $"{bytes / 1e12:0.0} TB",
    };

    /// <param name="rate">Bytes a second of which copies were made last; 0 where none were.</param>
    public static string Time(long bytes, long rate) => rate <= 0
        ? "how long that takes is not known yet: no copies were made since the agent began"
        : $"which takes about {Span(TimeSpan.FromSeconds(Math.Min((double)bytes / rate, TimeSpan.FromDays(3650).TotalSeconds)))} at "
            + $"{Size(rate)} a second, as was copied last";

    private static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 90 } => $"{Math.Max(1, span.TotalSeconds):0} s",
        { TotalMinutes: < 90 } => $"{span.TotalMinutes:0} min",
        { TotalHours: < 48 } => $"{span.TotalHours:0} h",
        _ => $"{span.TotalDays:0} days",
    };
}

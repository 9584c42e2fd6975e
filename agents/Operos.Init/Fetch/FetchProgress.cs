using Operos.Init.Progress;

namespace Operos.Init.Fetch;

/// <summary>A progress line about once a second: a bar, how much, how fast, how long still; and what keeps it from going on.</summary>
internal sealed class FetchProgress(string phase, string what, long total)
{
    private const int BarWidth = 20;
    private const long Interval = 1000;
    private readonly long start = Environment.TickCount64;
    private long lastSaid = Environment.TickCount64;
    private long lastBytes;
    private string lastError = "";
    private readonly Lock progressLock = new();

    /// <param name="bytes">How many there are by now; of several threads' figures the highest counts.</param>
    public void Report(long bytes, string error)
    {
        lock (progressLock) Say(Math.Max(bytes, lastBytes), error);
    }

    private void Say(long bytes, string error)
    {
        var now = Environment.TickCount64;
        if (now - lastSaid < Interval) return;
        var rate = (bytes - lastBytes) * 1000.0 / (now - lastSaid);
        if (error.Length > 0 && (error != lastError || (bytes == lastBytes && now - lastSaid >= 5 * Interval)))
        {
            BootConsole.Warn(phase, $"{error}; trying again");
            lastError = error;
        }
        if (bytes == lastBytes && now - lastSaid < 5 * Interval) return;
        BootConsole.Say(phase, Line(what, bytes, total, rate, now - start));
        (lastSaid, lastBytes) = (now, bytes);
    }

    /// <param name="rate">Bytes a second of late.</param>
    internal static string Line(string what, long bytes, long total, double rate, long elapsedMs)
    {
        var share = total == 0 ? 1 : Math.Min(1, (double)bytes / total);
        var filled = (int)(share * BarWidth);
        var average = elapsedMs > 0 ? bytes * 1000.0 / elapsedMs : 0;
        var left = average > 0 ? TimeSpan.FromSeconds(Math.Min((total - bytes) / average, 359_999)) : (TimeSpan?)null;
        return $"{what} [{new string('#', filled)}{new string('-', BarWidth - filled)}] {share * 100,3:0} %  "
            + $"{bytes / 1e6:0.0}/{total / 1e6:0.0} MB  "
            + $"{rate / 1e6:0.0} MB/s  {(left is { } l ? $"{(int)l.TotalMinutes}:{l.Seconds:00} left" : "stalled")}";
    }
}

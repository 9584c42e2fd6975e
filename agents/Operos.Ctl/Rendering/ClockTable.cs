using Operos.Proto;

namespace Operos.Ctl.Rendering;

/// <summary>Machines' clocks beside the controller's: one line where all agree, else those that do not.</summary>
internal static class ClockTable
{
    /// <summary>A heartbeat takes its time on the way: what is less is agreement.</summary>
    private const long ToleranceMs = 1000;
    private const int MostShown = 20;

    public static string Render(IReadOnlyList<ClockSkew> clocks)
    {
        if (clocks.Count == 0) return "";
        var off = clocks.Where(clock => clock.AheadMs is < -ToleranceMs or > ToleranceMs).ToList();
        if (off.Count == 0) return $"\nclocks of {clocks.Count} machines are within {clocks.Max(clock => Math.Abs(clock.AheadMs))} ms\n";
        var rest = off.Count > MostShown ? $"and {off.Count - MostShown} more\n" : "";
        return "\nclocks that differ from the controller's\n" + Table.Render(["MACHINE", "UUID", "CLOCK"],
            [.. off.Take(MostShown).Select(clock => (IReadOnlyList<string>)[clock.Name ?? "-", clock.Id, Words(clock.AheadMs)])]) + rest;
    }

    private static string Words(long aheadMs)
    {
        var size = Math.Abs((double)aheadMs) / 1000;
        var text = size < 90 ? $"{size:0.0} s" : Figures.Span(TimeSpan.FromSeconds(Math.Min(size, TimeSpan.MaxValue.TotalSeconds / 2)));
        return $"{text} {(aheadMs > 0 ? "ahead" : "behind")}";
    }
}

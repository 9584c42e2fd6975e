using System.Globalization;
using Operos.Linux.Programs;

namespace Operos.Linux.Clock;

/// <summary>How chronyd keeps this machine's clock (chronyc(1), tracking).</summary>
/// <param name="Source">The address of the server that it follows; null where it follows none.</param>
/// <param name="Stratum">How many clocks away the first one is; 0 where there is none.</param>
/// <param name="BehindSeconds">How far this clock is behind that of the server; below 0 it is ahead.</param>
/// <param name="Measured">When the source was last heard, by this clock; the epoch where there is none.</param>
/// <param name="IsSynchronised">Whether it follows a clock: a server's, or where it serves, its own.</param>
public sealed record ClockTracking(string? Source, int Stratum, double BehindSeconds, DateTimeOffset Measured, bool IsSynchronised)
{
    /// <summary>Less is neither worth a word nor measured.</summary>
    private const double SmallestSeconds = 0.0001;

    /// <summary>Of the year 2100: what comes later is no time of a measurement.</summary>
    private const double LastSecond = 4102444800;

    /// <summary>Reference id, source, stratum, time of reference, offset, seven measures of it, interval, leap status.</summary>
    private const int Fields = 14, SourceField = 1, StratumField = 2, MeasuredField = 3, OffsetField = 4, LeapField = 13;

    /// <summary>A clock that follows itself: 127.127.1.1, as the reference id of old.</summary>
    private const string Own = "7F7F0101";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Such as <c>0.2 ms behind</c>.</summary>
    public string Offset => Math.Abs(BehindSeconds) is var size && size < SmallestSeconds ? "within 0.1 ms"
        : string.Create(CultureInfo.InvariantCulture,
            $"{(size < 1 ? $"{size * 1000:0.0} ms" : $"{size:0.0} s")} {(BehindSeconds > 0 ? "behind" : "ahead")}");

    /// <exception cref="IOException">chronyd does not answer, or not in these words.</exception>
    public static async Task<ClockTracking> AskAsync(CancellationToken cancellationToken, string socket = Chrony.Socket,
        string client = Chrony.Client)
    {
        var said = await ProgramCall.RunAsync(client, ["-n", "-c", "-h", socket, "tracking"], cancellationToken, longest: Patience)
            .ConfigureAwait(false);
        if (said.Code != 0) throw new IOException($"chronyd does not answer: {PrintableText.Line(said.LastLine)}");
        return Parse(said.Output) ?? throw new IOException($"chronyc said no state of a clock: {PrintableText.Line(said.LastLine)}");
    }

    /// <summary>Reads a line of <c>chronyc -n -c tracking</c>; null where it is none.</summary>
    internal static ClockTracking? Parse(string output)
    {
        if (output.Trim().Split(',') is not { Length: Fields } fields
            || !int.TryParse(fields[StratumField], NumberStyles.None, CultureInfo.InvariantCulture, out var stratum)
            || !TryRead(fields[MeasuredField], out var measured) || measured is < 0 or > LastSecond
            || !TryRead(fields[OffsetField], out var behind)) return null;
        var follows = fields[LeapField] != "Not synchronised" && stratum > 0;
        var source = follows && fields[0] != Own ? PrintableText.Line(fields[SourceField]) : null;
        return new ClockTracking(source is { Length: > 0 } ? source : null, stratum, behind,
            DateTimeOffset.UnixEpoch.AddSeconds(measured), follows);
    }

    private static bool TryRead(string field, out double number) =>
        double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);
}

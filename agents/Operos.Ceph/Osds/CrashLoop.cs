namespace Operos.Ceph.Osds;

/// <summary>
/// How long what fails again and again rests before it is tried again: twice as long each time, until it has worked for long enough.
/// </summary>
public sealed class CrashLoop(TimeProvider time, TimeSpan first, TimeSpan longest)
{
    private static readonly TimeSpan LongLife = TimeSpan.FromMinutes(10);
    private long started = time.GetTimestamp();

    /// <summary>A daemon's that ends, or cannot be started.</summary>
    public static CrashLoop OfDaemon(TimeProvider time) => new(time, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));

    /// <summary>Of what waits for somebody else.</summary>
    public static CrashLoop OfWaiting(TimeProvider time) => new(time, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1));

    /// <summary>How often it failed since it last worked for long.</summary>
    public int Ends { get; private set; }

    public void Started() => started = time.GetTimestamp();

    /// <summary>It ended, or could not be started.</summary>
    /// <returns>The rest.</returns>
    public TimeSpan Ended()
    {
        if (time.GetElapsedTime(started) > LongLife) Ends = 0;
        // Beyond that it is the longest, and no number is too large.
        var rest = first * Math.Pow(2, Math.Min(Ends, 16));
        Ends++;
        started = time.GetTimestamp();
        return rest < longest ? rest : longest;
    }

    /// <summary>It works.</summary>
    public void Forget() => Ends = 0;
}

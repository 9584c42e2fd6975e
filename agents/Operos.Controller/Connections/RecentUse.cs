namespace Operos.Controller.Connections;

/// <summary>
/// What each of many has used lately, in seconds: what is past counts half after every minute. Whoever used little is forgotten first.
/// </summary>
internal sealed class RecentUse<TKey>(TimeProvider time, int most = 4096) where TKey : notnull
{
    private static readonly TimeSpan HalfLife = TimeSpan.FromMinutes(1);
    private readonly Dictionary<TKey, (double Seconds, long At)> used = [];

    public void Add(TKey key, double seconds)
    {
        used[key] = (Of(key) + seconds, time.GetTimestamp());
        if (used.Count <= most) return;
        foreach (var little in used.Keys.OrderBy(Of).Take(most / 4).ToList()) used.Remove(little);
    }

    public double Of(TKey key) =>
        used.TryGetValue(key, out var use) ? use.Seconds * Math.Pow(0.5, time.GetElapsedTime(use.At) / HalfLife) : 0;
}

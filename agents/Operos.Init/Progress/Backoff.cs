namespace Operos.Init.Progress;

/// <summary>Growing pauses with jitter, so that a rack that lost its server does not come back in one beat.</summary>
internal sealed class Backoff(TimeSpan first, TimeSpan most)
{
    private int attempt;

    public TimeSpan Next()
    {
        var pause = Math.Min(first.TotalMilliseconds * Math.Pow(2, Math.Min(attempt++, 16)), most.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(pause * (0.5 + Random.Shared.NextDouble() / 2));
    }

    public void Reset() => attempt = 0;
}

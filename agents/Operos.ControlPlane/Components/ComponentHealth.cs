namespace Operos.ControlPlane.Components;

/// <summary>Whether a part works, in words, and since when it is so.</summary>
public sealed record ComponentHealth(string Name, bool Healthy, string Text, DateTimeOffset Since)
{
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(10);

    /// <summary>Whether it has worked at any time that is known of.</summary>
    private bool HasWorked { get; init; } = Healthy;

    /// <summary>Whether it has not worked yet, and not for so long that it must be called a failure.</summary>
    public bool IsStarting(DateTimeOffset now) => !HasWorked && now - Since < LongestStart;

    public ComponentHealth Next(bool healthy, string text, DateTimeOffset now) =>
        new(Name, healthy, text, healthy == Healthy ? Since : now) { HasWorked = HasWorked || healthy };
}

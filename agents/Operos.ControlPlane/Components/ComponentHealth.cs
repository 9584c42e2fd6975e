namespace Operos.ControlPlane.Components;

/// <summary>Whether a part works, in words, and since when it is so.</summary>
public sealed record ComponentHealth(string Name, bool Healthy, string Text, DateTimeOffset Since)
{
    public ComponentHealth Next(bool healthy, string text, DateTimeOffset now) =>
        new(Name, healthy, text, healthy == Healthy ? Since : now);
}

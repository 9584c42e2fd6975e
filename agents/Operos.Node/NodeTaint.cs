namespace Operos.Node;

/// <summary>Keeps pods that do not tolerate it off a node.</summary>
/// <param name="Effect">Such as <c>NoSchedule</c>.</param>
public sealed record NodeTaint(string Key, string Value, string Effect);

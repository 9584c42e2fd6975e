using System.Collections.Concurrent;
using Operos.ControlPlane.Components;

namespace Operos.ControlPlane;

/// <summary>What is healthy and what is not, and since when.</summary>
public sealed class ControlPlaneHealth(TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, ComponentHealth> parts = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> order = new();

    public ComponentHealth? Get(string name) => parts.GetValueOrDefault(name);

    public bool IsHealthy(string name) => Get(name)?.Healthy == true;

    /// <summary>Waits until a part is healthy; at once where it is.</summary>
    public async Task UntilHealthyAsync(string name, CancellationToken cancellationToken)
    {
        while (!IsHealthy(name)) await Task.Delay(Look, time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives parts of which nothing is known yet their places, as they begin side by side.</summary>
    public void Expect(IEnumerable<string> names)
    {
        foreach (var name in names.Except(order)) order.Enqueue(name);
    }

    /// <summary>Notes how a part is; says whether that is news.</summary>
    public bool Set(string name, bool healthy, string text)
    {
        var before = Get(name);
        if (before is null) Expect([name]);
        parts[name] = (before ?? new ComponentHealth(name, healthy, text, time.GetUtcNow())).Next(healthy, text, time.GetUtcNow());
        return before is null || before.Healthy != healthy;
    }

    /// <summary>All parts of which something is known, in the order in which they were expected or first heard of.</summary>
    public IEnumerable<ComponentHealth> Parts => order.Select(Get).OfType<ComponentHealth>();
}

using System.Diagnostics;
using Operos.Lab;

namespace Operos.Node.Tests.Cluster;

internal static class Eventually
{
    /// <summary>Asks until it holds; the failure carries the last reason.</summary>
    public static async Task HoldsAsync(string what, TimeSpan within, Func<Task<bool>> ask)
    {
        var clock = Stopwatch.StartNew();
        var last = "it does not hold";
        while (clock.Elapsed < within)
        {
            try { if (await ask()) return; }
            catch (LabException e) { last = e.Message; }
            await Task.Delay(500);
        }
        throw new LabException($"not within {within.TotalSeconds:0} s: {what}: {last}");
    }
}

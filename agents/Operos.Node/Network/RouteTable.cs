using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Operos.Node.Network;

/// <summary>
/// Our routes in the kernel's main table, by iproute2. They carry a protocol number of their own (rtnetlink(7), rtm_protocol): what an
/// agent before this one left is adopted, and no other route is ever touched.
/// </summary>
public sealed class RouteTable
{
    /// <summary>One that neither the kernel nor a routing daemon of iproute2's list has.</summary>
    public const int Protocol = 108;

    /// <summary>Brings the routes to what is wanted.</summary>
    /// <returns>How many were changed.</returns>
    /// <exception cref="NodeException">Some could not be set; the rest are.</exception>
    public async Task<int> SetAsync(IReadOnlyCollection<PodRoute> wanted, CancellationToken cancellationToken)
    {
        var present = await ReadAsync(cancellationToken).ConfigureAwait(false);
        var batch = new StringBuilder();
        var changes = 0;
        foreach (var route in wanted.Except(present))
        {
            batch.Append(null, $"route replace {route} proto {Protocol}\n");
            changes++;
        }
        // Those whose pods nobody wants any more; a route whose next hop changed was replaced above.
        foreach (var route in present.Where(route => wanted.All(other => other.Pods != route.Pods)))
        {
            batch.Append(null, $"route del {route} proto {Protocol}\n");
            changes++;
        }
        if (changes == 0) return 0;
        var result = await HostProgram.TryAsync("ip", ["-force", "-batch", "-"], cancellationToken, batch.ToString()).ConfigureAwait(false);
        if (result.Code == 0) return changes;
        var missing = wanted.Except(await ReadAsync(cancellationToken).ConfigureAwait(false)).ToList();
        throw new NodeException(
            $"{missing.Count} of {wanted.Count} routes cannot be set{(missing.Count > 0 ? $", such as {missing[0]}" : "")}: "
            + $"{Reason(result.Errors)}");
    }

    /// <summary>Takes all of ours away.</summary>
    public Task ClearAsync(CancellationToken cancellationToken) => SetAsync([], cancellationToken);

    public async Task<IReadOnlyList<PodRoute>> ReadAsync(CancellationToken cancellationToken)
    {
        var json = await HostProgram.RunAsync("ip", ["-4", "-json", "route", "show", "table", "main", "proto",
            Protocol.ToString(CultureInfo.InvariantCulture)], cancellationToken).ConfigureAwait(false);
        // Some versions print nothing where there is nothing.
        if (json.Trim().Length == 0) return [];
        var routes = JsonSerializer.Deserialize(json, RouteJson.Default.IReadOnlyListKernelRoute) ?? [];
        return [.. routes.Where(route => route.Destination is not null).Select(Read)];
    }

    private static PodRoute Read(KernelRoute route) =>
        new(IPNetwork.Parse(route.Destination!.Contains('/', StringComparison.Ordinal) ? route.Destination : route.Destination + "/32"),
            route.Gateway is null ? null : IPAddress.Parse(route.Gateway));

    private static string Reason(string errors) =>
        errors.Split('\n').FirstOrDefault(line =>
        line.StartsWith("Error", StringComparison.Ordinal) || line.StartsWith("RTNETLINK", StringComparison.Ordinal)) ?? errors.Trim();
}

internal sealed record KernelRoute
{
    [JsonPropertyName("dst")] public string? Destination { get; init; }
    [JsonPropertyName("gateway")] public string? Gateway { get; init; }
}

[JsonSerializable(typeof(IReadOnlyList<KernelRoute>))]
internal sealed partial class RouteJson : JsonSerializerContext;

using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Operos.Linux;

namespace Operos.Node.Network;

/// <summary>
/// The routes to other nodes' pods as they were last, on disk: a machine that boots while the API server is away has answers for pods all
/// the same.
/// </summary>
internal sealed record KeptRoutes
{
    private const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    public IReadOnlyList<KeptRoute> Routes { get; init; } = [];

    /// <summary>Writes them where they are others; answers why they cannot be, which is no reason to be without them now.</summary>
    public static string? Keep(string path, IEnumerable<PodRoute> routes)
    {
        var record = new KeptRoutes { Routes = [.. routes.Select(route => new KeptRoute($"{route.Pods}", route.Via?.ToString()))] };
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, FileModes.PrivateFolder);
            RecordFile.RefuseNewer(path, CurrentFormat);
            AtomicFile.WriteIfChanged(path, JsonSerializer.SerializeToUtf8Bytes(record, KeptRoutesJson.Default.KeptRoutes));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException) { return e.Message; }
    }

    /// <summary>Those that lead into the pod network; none where there is no file.</summary>
    /// <exception cref="NodeException">It cannot be read.</exception>
    public static IReadOnlyList<PodRoute> Read(string path, IPNetwork podNetwork)
    {
        try
        {
            if (!File.Exists(path)) return [];
            return [.. (RecordFile.Read(path, KeptRoutesJson.Default.KeptRoutes, CurrentFormat)?.Routes ?? [])
                .Select(Read).OfType<PodRoute>().Where(route => podNetwork.Contains(route.Pods.BaseAddress)
                    && podNetwork.PrefixLength <= route.Pods.PrefixLength
                    && (route.Via is null || !podNetwork.Contains(route.Via)))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new NodeException($"the routes of the boot before cannot be read: {e.Message}", e);
        }
    }

    private static PodRoute? Read(KeptRoute? route)
    {
        IPAddress? via = null;
        return IPNetwork.TryParse(route?.Pods, out var pods) && (route!.Via is null || IPAddress.TryParse(route.Via, out via))
            ? new PodRoute(pods, via) : null;
    }
}

internal sealed record KeptRoute(string? Pods, string? Via);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(KeptRoutes))]
internal sealed partial class KeptRoutesJson : JsonSerializerContext;

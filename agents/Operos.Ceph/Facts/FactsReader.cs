using System.Globalization;
using System.Text.Json;
using Operos.Linux;

namespace Operos.Ceph.Facts;

/// <summary>Reads what commands answer (Ceph 18). What is missing in an answer is not known, and nothing else.</summary>
internal static class FactsReader
{
    private const int LongestText = 512, MostComplaints = 64, MostGroups = 1 << 20;
    /// <summary>In KiB: 256 TiB. What an OSD says of its size is a machine's word, and thousands of them are added up.</summary>
    private const long LargestOsd = 1L << 38;

    /// <param name="status">Of <c>status</c>.</param>
    /// <param name="dump">Of <c>osd dump</c>.</param>
    /// <param name="tree">Of <c>osd tree</c>.</param>
    /// <param name="space">Of <c>osd df</c>, which the manager answers; undefined where it does not.</param>
    /// <param name="pools">Of <c>df</c>.</param>
    public static ClusterFacts Read(DateTimeOffset at, JsonElement status, JsonElement dump, JsonElement tree, JsonElement space,
        JsonElement pools)
    {
        var groups = status.Member("pgmap");
        return new ClusterFacts
        {
            At = at, IsCounted = space.ValueKind == JsonValueKind.Object,
            Complaints = [.. status.Member("health").MembersOf("checks").Take(MostComplaints).Select(Complaint)],
            Osds = ReadOsds(dump, tree, space), Pools = ReadPools(dump, pools),
            PlacementGroups = groups.ItemsOf("pgs_by_state").GroupBy(state => state.TextOf("state_name"), StringComparer.Ordinal)
                .ToDictionary(state => state.Key,
                    state => (int)state.Sum(each => Math.Clamp(each.NumberOf("count"), 0, MostGroups)), StringComparer.Ordinal),
            Degraded = groups.NumberOf("degraded_objects"), Copies = groups.NumberOf("degraded_total"),
            Bytes = groups.NumberOf("bytes_total"), BytesUsed = groups.NumberOf("bytes_used"),
            RecoveryRate = Math.Max(0, groups.NumberOf("recovering_bytes_per_sec")),
        };
    }

    /// <summary>The OSDs of a map that were not destroyed, each with its own UUID; empty where it tells none.</summary>
    /// <param name="map">As <c>osd dump</c> has it.</param>
    internal static IReadOnlyList<(int Id, Guid Uuid)> OsdsOf(JsonElement map) =>
        [.. map.ItemsOf("osds").Where(osd => !IsDestroyed(osd)).Select(osd =>
            ((int)osd.NumberOf("osd"), Guid.TryParse(osd.TextOf("uuid"), out var uuid) ? uuid : Guid.Empty))];

    /// <param name="osd">As <c>osd dump</c> has it.</param>
    internal static bool IsDestroyed(JsonElement osd) =>
        osd.ItemsOf("state").Any(state => state.ValueKind == JsonValueKind.String && state.GetString() == "destroyed");

    private static HealthComplaint Complaint(JsonProperty check) => new(PrintableText.Line(check.Name) ?? "?",
        check.Value.TextOf("severity") == "HEALTH_ERR",
        PrintableText.Line(check.Value.Member("summary").TextOf("message"), LongestText) ?? "", check.Value.FlagOf("muted"));

    private static List<OsdFacts> ReadOsds(JsonElement dump, JsonElement tree, JsonElement space)
    {
        var nodes = tree.ItemsOf("nodes");
        var hosts = new Dictionary<long, string>();
        foreach (var host in nodes.Where(node => node.TextOf("type") == "host"))
            foreach (var child in host.ItemsOf("children"))
                if (child.ValueKind == JsonValueKind.Number && child.TryGetInt64(out var id)) hosts[id] = host.TextOf("name");
        var classes = nodes.Where(node => node.TextOf("type") == "osd").GroupBy(node => node.NumberOf("id"))
            .ToDictionary(same => same.Key, same => same.First().TextOf("device_class"));
        var used = space.ItemsOf("nodes").GroupBy(node => node.NumberOf("id")).ToDictionary(same => same.Key, same => same.First());
        return [.. dump.ItemsOf("osds").Select(osd =>
        {
            var id = osd.NumberOf("osd");
            var room = used.GetValueOrDefault(id);
            return new OsdFacts((int)id, Guid.TryParse(osd.TextOf("uuid"), out var uuid) ? uuid : Guid.Empty, osd.FlagOf("up"),
                osd.FlagOf("in"), hosts.GetValueOrDefault(id), classes.GetValueOrDefault(id) ?? "", Bytes(room, "kb"),
                Bytes(room, "kb_used"), Bytes(room, "kb_used_data"), IsDestroyed(osd));
        })];
    }

    private static long Bytes(JsonElement room, string name) => Math.Clamp(room.NumberOf(name), 0, LargestOsd) << 10;

    private static List<PoolFacts> ReadPools(JsonElement dump, JsonElement pools)
    {
        var stats = pools.ItemsOf("pools").GroupBy(pool => pool.TextOf("name"), StringComparer.Ordinal)
            .ToDictionary(same => same.Key, same => same.First().Member("stats"), StringComparer.Ordinal);
        return [.. dump.ItemsOf("pools").Select(pool =>
        {
            var name = pool.TextOf("pool_name");
            var stat = stats.GetValueOrDefault(name);
            var rbd = pool.Member("application_metadata").Member("rbd");
            return new PoolFacts(name, (int)pool.NumberOf("size"), (int)pool.NumberOf("min_size"), (int)pool.NumberOf("pg_num_target"),
                stat.NumberOf("stored"), stat.NumberOf("max_avail"),
                rbd.ValueKind == JsonValueKind.Object,
                new PoolOrder(Ordered(rbd, PoolOrder.CopiesKey), Ordered(rbd, PoolOrder.MinSizeKey)));
        })];
    }

    /// <returns>Null where nothing is, or nothing that an order can be.</returns>
    private static int? Ordered(JsonElement application, string key) =>
        int.TryParse(application.TextOf(key), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number is > 0 and <= PoolOrder.MostCopies ? number : null;
}

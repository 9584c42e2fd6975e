using System.Text.Json;
using Operos.Linux;

namespace Operos.Ceph.Facts;

/// <summary>Whether a placement group has all that is in it without some OSDs.</summary>
public enum GroupNeed
{
    /// <summary>It has.</summary>
    None,
    /// <summary>Nobody knows: it is not complete on the others, or it does not work now.</summary>
    Unsure,
    /// <summary>It has not: nobody else has a copy.</summary>
    All,
}

/// <summary>A placement group, as the manager counts it.</summary>
/// <param name="Id">Such as <c>2.1f</c>.</param>
/// <param name="Pool">Its pool's number.</param>
/// <param name="State">Such as <c>active+undersized+degraded</c>.</param>
/// <param name="Acting">The OSDs that have its copies now, or had them when somebody told last.</param>
/// <param name="Bytes">What is stored in it, without copies.</param>
/// <param name="Unfound">Objects of which nobody that is up has the newest copy.</param>
public sealed record PlacementGroup(string Id, long Pool, string State, IReadOnlyList<int> Acting, long Bytes, long Unfound)
{
    /// <summary>
    /// Whether its OSDs agree on what is in it and wait for no other: it is <c>active</c>, or <c>peered</c> where too few copies are left
    /// to write. Of a stale one nobody tells.
    /// </summary>
    public bool IsPeered => (Has("active") || Has("peered")) && !Has("stale");

    /// <summary>Whether each of <see cref="Acting"/> has all of it.</summary>
    public bool IsClean => IsPeered && Has("clean");

    /// <summary>Whether the OSD that answers for a group in this state holds no lease to do so, and lets everybody wait.</summary>
    public static bool IsLaggy(string state) => Has(state, "laggy");

    /// <summary>What it would be without OSDs, whether these are up now or not.</summary>
    public GroupNeed Without(IReadOnlyCollection<int> gone)
    {
        var others = Acting.Count(osd => !gone.Contains(osd));
        if (Acting.Count > 0 && others == 0) return GroupNeed.All;
        if (!IsPeered || Unfound > 0) return GroupNeed.Unsure;
        // It works without them, so it has all of it; one that has its copies there must have them all elsewhere, too.
        return others == Acting.Count || IsClean ? GroupNeed.None : GroupNeed.Unsure;
    }

    /// <param name="dump">Of <c>pg dump</c> with <c>pgs</c>.</param>
    /// <exception cref="IOException">The manager has not counted them yet.</exception>
    internal static IReadOnlyList<PlacementGroup> Read(JsonElement dump)
    {
        if (dump.Member("pg_ready").ValueKind == JsonValueKind.False || dump.Member("pg_stats").ValueKind != JsonValueKind.Array)
            throw new IOException("ceph-mgr has not counted the placement groups yet");
        return [.. dump.ItemsOf("pg_stats").Select(group =>
        {
            var (id, sums) = (group.TextOf("pgid"), group.Member("stat_sum"));
            return new PlacementGroup(PrintableText.Line(id) ?? "?", long.TryParse(id.Split('.')[0], out var pool) ? pool : -1,
                PrintableText.Line(group.TextOf("state")) ?? "?", [.. group.ItemsOf("acting").Select(Number)],
                Math.Max(0, sums.NumberOf("num_bytes")), sums.NumberOf("num_objects_unfound"));
        })];
    }

    private static int Number(JsonElement json) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetInt32(out var number) ? number : -1;

    private bool Has(string state) => Has(State, state);

    private static bool Has(string states, string state) => states.Split('+').Contains(state, StringComparer.Ordinal);
}

using System.Text.Json;

namespace Operos.Ceph;

/// <summary>Members of what Ceph answers: another version may leave any of them out, which must not end anything.</summary>
internal static class JsonReading
{
    public static string TextOf(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";

    /// <returns>0 where it has none; a fraction is cut off.</returns>
    public static long NumberOf(this JsonElement json, string name) => json.Member(name) is { ValueKind: JsonValueKind.Number } number
        ? number.TryGetInt64(out var whole) ? whole : number.TryGetDouble(out var real) ? (long)Math.Clamp(real, -1e18, 1e18) : 0 : 0;

    /// <summary>Also 1 counts: Ceph writes both.</summary>
    public static bool FlagOf(this JsonElement json, string name) =>
        json.Member(name).ValueKind == JsonValueKind.True || json.NumberOf(name) == 1;

    public static IReadOnlyList<JsonElement> ItemsOf(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.Array } items ? [.. items.EnumerateArray()] : [];

    public static IReadOnlyList<JsonProperty> MembersOf(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.Object } members ? [.. members.EnumerateObject()] : [];

    /// <returns>An undefined one where there is none.</returns>
    public static JsonElement Member(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : default;
}

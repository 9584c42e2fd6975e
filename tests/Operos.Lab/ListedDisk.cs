using System.Text.Json;

namespace Operos.Lab;

/// <summary>What a partition of a disk is used for.</summary>
/// <param name="MountedAt">Null where it is not mounted.</param>
public sealed record ListedUse(string Use, string? MountedAt, bool Encrypted);

/// <summary>A disk, as <c>operosctl disks list</c> tells of it.</summary>
public sealed record ListedDisk(string Machine, string Name, string Class, string Transport, string? Serial, IReadOnlyList<ListedUse> Uses)
{
    /// <exception cref="LabException">It is no such list.</exception>
    internal static IReadOnlyList<ListedDisk> ReadAll(string list)
    {
        try
        {
            using var json = JsonDocument.Parse(list);
            return [.. json.RootElement.GetProperty("disks").EnumerateArray().Select(Read)];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new LabException($"not a list of disks: {e.Message}: {list}");
        }
    }

    private static ListedDisk Read(JsonElement entry)
    {
        var disk = entry.GetProperty("disk");
        return new(Text(entry, "machine")!, Text(disk, "name")!, Text(disk, "class")!, Text(disk, "transport")!, Text(disk, "serial"),
            [.. disk.GetProperty("uses").EnumerateArray().Select(use => new ListedUse(Text(use, "use")!, Text(use, "mountedAt"),
                use.GetProperty("encrypted").GetBoolean()))]);
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;

    public override string ToString() => $"{Name} ({Transport}, {Class}): {string.Join(", ", Uses)}";
}

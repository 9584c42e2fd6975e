using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Operos.Linux;
using Operos.Linux.Programs;
using Operos.Storage.Layouts;
using Operos.Storage.Looks;

namespace Operos.Storage.Work;

/// <summary>
/// systemd-repart(8), told exactly what to write: it decides nothing. What it would do is compared with the layout before it may do it.
/// </summary>
/// <param name="program">Its path, or its name.</param>
internal sealed class Repart(string program)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <summary>The GUID that the table gets whose seed this is: an HMAC of a fixed text, made a random UUID's form.</summary>
    public static Guid TableOf(Guid seed)
    {
        var digest = HMACSHA256.HashData(seed.ToByteArray(bigEndian: true), "disk-uuid"u8).AsSpan(0, 16);
        digest[6] = (byte)((digest[6] & 0x0F) | 0x40);
        digest[8] = (byte)((digest[8] & 0x3F) | 0x80);
        return new Guid(digest, bigEndian: true);
    }

    /// <summary>What a layout looks like in a table, but for its partitions' own identifiers.</summary>
    public static IReadOnlyList<GuidPartition> Expected(DiskLayout layout)
    {
        var partitions = new List<GuidPartition>();
        var at = DiskLayout.Start;
        foreach (var partition in layout.Partitions)
        {
            partitions.Add(new(partitions.Count + 1, PartitionTypes.TypeOf(partition.Use), Guid.Empty,
                PartitionTypes.LabelOf(partition.Use), at, partition.Bytes));
            at += partition.Bytes;
        }
        return partitions;
    }

    /// <summary>Writes the table of a disk that has none.</summary>
    /// <param name="disk">The path of its device.</param>
    /// <exception cref="StorageException">It would write something else, or fails.</exception>
    public async Task WriteAsync(string disk, Guid seed, DiskLayout layout, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("operos-repart-").FullName;
        try
        {
            for (var i = 0; i < layout.Partitions.Count; i++)
                await File.WriteAllTextAsync(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{i + 1:000}.conf")),
                    Definition(layout.Partitions[i]), cancellationToken).ConfigureAwait(false);
            var would = await RunAsync(disk, seed, folder, dry: true, cancellationToken).ConfigureAwait(false);
            if (Differs(would, Expected(layout)) is { } difference)
                throw new StorageException($"{disk} is not partitioned: systemd-repart would do something else than was planned: "
                    + $"{difference}");
            await RunAsync(disk, seed, folder, dry: false, cancellationToken).ConfigureAwait(false);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    private static string Definition(PlannedPartition partition)
    {
        var text = new StringBuilder("[Partition]\n");
        text.Append(CultureInfo.InvariantCulture, $"Type={PartitionTypes.TypeOf(partition.Use)}\n");
        text.Append(CultureInfo.InvariantCulture, $"Label={PartitionTypes.LabelOf(partition.Use)}\n");
        text.Append(CultureInfo.InvariantCulture, $"SizeMinBytes={partition.Bytes}\nSizeMaxBytes={partition.Bytes}\n");
        return text.ToString();
    }

    private async Task<string> RunAsync(string disk, Guid seed, string definitions, bool dry, CancellationToken cancellationToken)
    {
        string[] arguments = [$"--definitions={definitions}", $"--seed={seed:N}", "--empty=require", "--discard=no",
            $"--dry-run={(dry ? "yes" : "no")}", "--json=short", "--no-pager", disk];
        var result = await ProgramCall.RunAsync(program, arguments, cancellationToken, longest: Longest).ConfigureAwait(false);
        if (result.Code == 0) return result.Output;
        throw new StorageException(string.Create(CultureInfo.InvariantCulture,
            $"{disk} is not partitioned: systemd-repart ended with {result.Code}: {PrintableText.Line(result.LastLine)}"));
    }

    /// <summary>How what it would do differs from what is wanted, in words; null where it does not.</summary>
    internal static string? Differs(string json, IReadOnlyList<GuidPartition> wanted)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var would = document.RootElement.EnumerateArray().ToList();
            if (would.Count != wanted.Count) return $"{would.Count} partitions instead of {wanted.Count}";
            for (var i = 0; i < would.Count; i++)
            {
                var (type, label, activity) = (Text(would[i], "type"), Text(would[i], "label"), Text(would[i], "activity"));
                var (offset, size) = (would[i].GetProperty("offset").GetInt64(), would[i].GetProperty("raw_size").GetInt64());
                if (!Guid.TryParse(type, out var id) ? !IsNameOf(type, wanted[i].Type) : id != wanted[i].Type)
                    return $"partition {i + 1} of type {type}";
                if (label != wanted[i].Name || activity != "create") return $"{activity} of a partition {label}";
                if (offset != wanted[i].Offset || size != wanted[i].Bytes)
                    return $"{label} at {offset} of {size} bytes instead of {wanted[i].Offset} and {wanted[i].Bytes}";
            }
            return null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return $"what it says is not understood: {e.Message}";
        }
    }

    private static string? Text(JsonElement partition, string name) => PrintableText.Line(partition.GetProperty(name).GetString());

    /// <summary>Types that it has names for it tells by those; of ours it has none.</summary>
    private static bool IsNameOf(string? name, Guid type) => type == PartitionTypes.TypeOf(PartitionUse.Osd) && name == "ceph-osd";
}

using System.Text.Json;
using System.Text.Json.Serialization;
using Operos.Linux;

namespace Operos.Ceph.Monitors;

/// <summary>
/// Which cluster of Ceph this controller's is, and the keys that it was made with: one private file, in every backup. It is written before
/// anything is made of it.
/// </summary>
internal sealed record CephIdentity
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    public required Guid Fsid { get; init; }
    /// <summary>Of <c>mon.</c>, <c>client.admin</c> and the manager, as a keyring has them.</summary>
    public required string MonitorKey { get; init; }
    public required string AdminKey { get; init; }
    public required string ManagerKey { get; init; }
    /// <summary>
    /// When the monitor's store was made; null where it never was. Another is not made in its place: it would know no OSD.
    /// </summary>
    public DateTimeOffset? StoreMade { get; init; }
    /// <summary>
    /// When its store was made anew last, from the OSDs; null where it never was. Who was a client of the former store is none of this one.
    /// </summary>
    public DateTimeOffset? Rebuilt { get; init; }
    /// <summary>The monitor's own address in its store; null where there is none yet.</summary>
    public string? Address { get; init; }

    public static CephIdentity Make() => new()
    {
        Fsid = Guid.NewGuid(), MonitorKey = CephKey.Make().Text, AdminKey = CephKey.Make().Text, ManagerKey = CephKey.Make().Text,
    };

    /// <summary>Reads it.</summary>
    /// <returns>Null where there is none.</returns>
    /// <exception cref="IOException">It cannot be read, or is damaged.</exception>
    public static CephIdentity? Read(string path)
    {
        CephIdentity? read;
        try { read = RecordFile.Read(path, CephJson.Default.CephIdentity, CurrentFormat); }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException) { return null; }
        catch (JsonException e) { throw Damaged(path, e.Message); }
        if (read is null || read.Fsid == Guid.Empty) throw Damaged(path, "it names no cluster");
        foreach (var key in (string?[])[read.MonitorKey, read.AdminKey, read.ManagerKey])
            if (CephKey.Parse(key) is null) throw Damaged(path, "a key in it is none");
        return read;
    }

    public void Write(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, FileModes.PrivateFolder);
        RecordFile.Write(path, this, CephJson.Default.CephIdentity, CurrentFormat);
    }

    private static IOException Damaged(string path, string why) =>
        new($"{path} is damaged ({why}), and without it nobody speaks to this cluster's Ceph: put it back from a backup "
            + "(operosctl backup list)");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CephIdentity))]
internal sealed partial class CephJson : JsonSerializerContext;

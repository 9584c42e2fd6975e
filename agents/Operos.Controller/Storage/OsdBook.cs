using System.Text.Json;
using System.Text.Json.Serialization;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Storage;

/// <summary>An OSD whose key a machine got.</summary>
internal sealed record GrantedOsd
{
    /// <summary>Of the GPT; the OSD's own.</summary>
    public required Guid Partition { get; init; }
    /// <summary>The id in the disk's record.</summary>
    public required string Disk { get; init; }
    /// <summary>UUID of the machine that got it last.</summary>
    public required string Machine { get; init; }
    public required int Id { get; init; }
    /// <summary>When an operator removed it, or had it replaced: it is never started again. Null for one that counts.</summary>
    public DateTimeOffset? Removed { get; init; }
    /// <summary>Whether its number and its place wait for another disk of the machine.</summary>
    public bool AwaitsDisk { get; init; }
}

internal sealed record GrantedOsds
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    public IReadOnlyList<GrantedOsd> Osds { get; init; } = [];
}

/// <summary>Which OSDs were granted, of which disk: one file, in every backup.</summary>
internal sealed class OsdBook
{
    /// <summary>A disk has one; a set-up that was cut may have left another.</summary>
    public const int MostOfDisk = 4;
    /// <summary>Of a machine, and of all.</summary>
    public const int MostOfMachine = OsdState.Most, Most = 16_384;

    private readonly string path;
    private readonly Lock bookLock = new();
    private Dictionary<Guid, GrantedOsd> osds = [];

    public OsdBook(string path)
    {
        this.path = path;
        try
        {
            if (!File.Exists(path)) return;
            var read = RecordFile.Read(path, OsdJson.Default.GrantedOsds, GrantedOsds.CurrentFormat)?.Osds
                ?? throw new JsonException("it is empty");
            if (read.Any(osd => osd is null)) throw new JsonException("it holds null");
            osds = read.ToDictionary(osd => osd.Partition);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            Trouble = $"{path} cannot be read, which says whose OSDs are: no keys of OSDs are given out: {e.Message}. Next: put it "
                + "back from a backup (operosctl backup list), and start the agent anew";
        }
    }

    /// <summary>Why nothing is granted; null where it can be.</summary>
    public string? Trouble { get; }

    public IReadOnlyList<GrantedOsd> All
    {
        get { lock (bookLock) return [.. osds.Values.OrderBy(osd => osd.Id)]; }
    }

    public GrantedOsd? Find(Guid partition)
    {
        lock (bookLock) return osds.GetValueOrDefault(partition);
    }

    /// <returns>That of a number which counts; null where there is none.</returns>
    public GrantedOsd? Find(int id)
    {
        lock (bookLock) return osds.Values.FirstOrDefault(osd => osd.Id == id && osd.Removed is null);
    }

    /// <returns>Those of a machine whose place waits for another disk, by number.</returns>
    public IReadOnlyList<GrantedOsd> Awaiting(string machine)
    {
        lock (bookLock) return [.. osds.Values.Where(osd => osd.AwaitsDisk && osd.Machine == machine).OrderBy(osd => osd.Id)];
    }

    /// <returns>How many there are that count, how many of a disk, and how many a machine got last.</returns>
    public (int All, int OfDisk, int OfMachine) Count(string disk, string machine)
    {
        lock (bookLock)
        {
            var those = osds.Values.Where(osd => osd.Removed is null).ToList();
            return (those.Count, those.Count(osd => osd.Disk == disk), those.Count(osd => osd.Machine == machine));
        }
    }

    /// <exception cref="IOException">It cannot be written; then it is not noted.</exception>
    public void Put(params IReadOnlyList<GrantedOsd> changed)
    {
        lock (bookLock)
        {
            if (changed.All(osd => osds.GetValueOrDefault(osd.Partition) == osd)) return;
            var next = new Dictionary<Guid, GrantedOsd>(osds);
            foreach (var osd in changed) next[osd.Partition] = osd;
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, FileModes.PrivateFolder);
            RecordFile.Write(path, new GrantedOsds { Osds = [.. next.Values.OrderBy(one => one.Id)] }, OsdJson.Default.GrantedOsds,
                GrantedOsds.CurrentFormat);
            osds = next;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GrantedOsds))]
internal sealed partial class OsdJson : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;
using Operos.Linux;

namespace Operos.Controller.Storage;

/// <summary>A volume that a machine may have mapped.</summary>
internal sealed record StagedVolume
{
    public required string Volume { get; init; }
    public required string Image { get; init; }
    /// <summary>UUID.</summary>
    public required string Machine { get; init; }
    /// <summary>The boot of the machine in which it asked for it: no later one has it.</summary>
    public required string BootId { get; init; }
    public required DateTimeOffset Since { get; init; }
    /// <summary>As whom Ceph knows the machine's client; empty before it was mapped.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];
    /// <summary>Whether it was mapped before the monitor's store was made anew, of which that client is none.</summary>
    public bool OfFormerStore { get; init; }
}

internal sealed record StagedVolumes
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    public IReadOnlyList<StagedVolume> Volumes { get; init; } = [];
    public IReadOnlyList<Fence> Fences { get; init; } = [];
}

/// <summary>
/// Which machine has which volume, and which machines were given up: one file, written before a machine is told that it may.
/// </summary>
internal sealed class VolumeBook
{
    public const int Most = 65_536;

    private readonly string path;
    private readonly Func<StagedVolume, bool> counts;
    private readonly Lock bookLock = new();
    private Dictionary<string, StagedVolume> volumes = new(StringComparer.Ordinal);
    private IReadOnlyList<Fence> fences = [];

    /// <param name="counts">Whether a machine is still in the boot in which it took a volume.</param>
    public VolumeBook(string path, Func<StagedVolume, bool> counts)
    {
        (this.path, this.counts) = (path, counts);
        try
        {
            if (!File.Exists(path)) return;
            var file = RecordFile.Read(path, VolumeJson.Default.StagedVolumes, StagedVolumes.CurrentFormat);
            var read = file?.Volumes ?? throw new JsonException("it is empty");
            if (file.Fences?.All(one => one?.IsWhole() == true) != true || read.Any(one =>
                one is not { Volume: not null, Image: not null, Machine: not null, BootId: not null, Addresses: not null }))
                throw new JsonException("it holds null");
            (volumes, fences) = (read.ToDictionary(one => one.Volume, StringComparer.Ordinal), file.Fences);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            Trouble = $"{path} cannot be read, which says which machine has which volume: no machine gets another one: {e.Message}. Next: "
                + "reboot the machines that have volumes or see that no pod uses one (operosctl volumes list), remove the file, and start "
                + "the agent anew";
        }
    }

    /// <summary>Why nothing is given out; null where it can be.</summary>
    public string? Trouble { get; }

    public IReadOnlyList<StagedVolume> All
    {
        get { lock (bookLock) return [.. volumes.Values.Where(counts)]; }
    }

    /// <summary>The machines that are given up.</summary>
    public IReadOnlyList<Fence> Fences
    {
        get { lock (bookLock) return fences; }
    }

    /// <summary>Whether a machine is given up in a boot of it, and how far that is; null where it is not.</summary>
    public Fence? FenceOf(string machine, string boot)
    {
        lock (bookLock) return fences.FirstOrDefault(fence => fence.Machine == machine && fence.BootId == boot);
    }

    /// <summary>Gives a machine up, with all that it has in that boot: from here on it gets nothing more.</summary>
    /// <returns>Null where it has nothing in that boot.</returns>
    /// <exception cref="IOException">It cannot be written; then it is as before.</exception>
    public Fence? GiveUp(string machine, string boot, DateTimeOffset since)
    {
        lock (bookLock)
        {
            var had = volumes.Values.Where(one => one.Machine == machine && one.BootId == boot && counts(one)).ToList();
            if (had.Count == 0) return null;
            var fence = new Fence
            {
                Machine = machine, BootId = boot, Since = since,
                Addresses = [.. had.SelectMany(one => one.Addresses).Distinct(StringComparer.Ordinal)],
                Volumes = [.. had.Select(one => one.Volume)],
                Images = [.. had.Select(one => one.Image).Distinct(StringComparer.Ordinal)],
            };
            Keep(fence);
            return fence;
        }
    }

    /// <summary>Notes how far it is that a machine is given up. Where it is in force, what it had is nobody's.</summary>
    /// <exception cref="IOException">It cannot be written; then it is as before.</exception>
    public void Keep(Fence fence)
    {
        lock (bookLock)
            Write([.. fences.Where(one => one.Machine != fence.Machine), fence], volumes.Values.Where(one => !fence.InForce
                || one.Machine != fence.Machine || one.BootId != fence.BootId));
    }

    /// <summary>A machine is given up no longer.</summary>
    /// <exception cref="IOException">It cannot be written; then it is as before.</exception>
    public void End(Fence fence)
    {
        lock (bookLock) Write([.. fences.Where(one => one.Machine != fence.Machine)], volumes.Values);
    }

    /// <summary>Who has a volume, or its image under another name; null where nobody has.</summary>
    public StagedVolume? Find(string volume, string image)
    {
        lock (bookLock) return Holder(volume, image);
    }

    /// <summary>Gives a volume to a machine, unless one has it.</summary>
    /// <returns>
    /// Who has it: the one that is given, or the one that had it before. Null where the machine is given up meanwhile: it gets nothing.
    /// </returns>
    /// <exception cref="IOException">It cannot be written; then nobody gets it.</exception>
    public StagedVolume? Take(StagedVolume wanted)
    {
        lock (bookLock)
        {
            if (FenceOf(wanted.Machine, wanted.BootId) is not null) return null;
            if (Holder(wanted.Volume, wanted.Image) is { } holder) return holder;
            if (volumes.Count >= Most) throw new IOException($"{Most} volumes are in use, and that is the most");
            Write(wanted.Volume, wanted);
            return wanted;
        }
    }

    /// <summary>Notes as whom Ceph knows the machine's client.</summary>
    /// <param name="ofFormerStore">Whether it was mapped before the monitor's store was made anew; false leaves what is known.</param>
    /// <returns>Whether the machine has the volume.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    public bool Tell(string volume, string machine, IReadOnlyList<string> addresses, bool ofFormerStore = false)
    {
        lock (bookLock)
        {
            if (volumes.GetValueOrDefault(volume) is not { } own || own.Machine != machine || !counts(own)) return false;
            if (!own.Addresses.SequenceEqual(addresses) || (ofFormerStore && !own.OfFormerStore))
                Write(volume, own with { Addresses = addresses, OfFormerStore = own.OfFormerStore || ofFormerStore });
            return true;
        }
    }

    /// <summary>Takes a volume back from a machine.</summary>
    /// <returns>Whether the machine had it.</returns>
    /// <exception cref="IOException">It cannot be written; then the machine has it.</exception>
    public bool Release(string volume, string machine)
    {
        lock (bookLock)
        {
            if (volumes.GetValueOrDefault(volume) is not { } own || own.Machine != machine) return false;
            Write(volume, null);
            return true;
        }
    }

    private StagedVolume? Holder(string volume, string image) =>
        volumes.GetValueOrDefault(volume) is { } own && counts(own) ? own
            : volumes.Values.FirstOrDefault(other => other.Image == image && counts(other));

    private void Write(string volume, StagedVolume? entry)
    {
        var others = volumes.Values.Where(one => one.Volume != volume);
        Write(fences, entry is null ? others : others.Append(entry));
    }

    /// <summary>What no longer counts goes with the next change.</summary>
    private void Write(IReadOnlyList<Fence> nextFences, IEnumerable<StagedVolume> entries)
    {
        var next = entries.Where(counts).ToDictionary(one => one.Volume, StringComparer.Ordinal);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, FileModes.PrivateFolder);
        RecordFile.Write(path, new StagedVolumes
        {
            Volumes = [.. next.Values.OrderBy(one => one.Volume, StringComparer.Ordinal)],
            Fences = [.. nextFences.OrderBy(one => one.Machine, StringComparer.Ordinal)],
        }, VolumeJson.Default.StagedVolumes, StagedVolumes.CurrentFormat);
        (volumes, fences) = (next, nextFences);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StagedVolumes))]
internal sealed partial class VolumeJson : JsonSerializerContext;

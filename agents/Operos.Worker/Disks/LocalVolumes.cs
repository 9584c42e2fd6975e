using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Linux.Programs;
using Operos.Proto;

namespace Operos.Worker.Disks;

/// <summary>
/// Folders on this machine's disks for volumes of Kubernetes. A disk promises no more than it holds; what a volume takes beyond its claim
/// nobody stops, and <see cref="VolumeExcess"/> tells.
/// </summary>
/// <param name="root">Below it each disk's volumes are mounted.</param>
internal sealed class LocalVolumes(string root, ILogger<LocalVolumes> logger)
{
    private const string Dropped = ".dropped-";
    // Programs in pods run as users of their own choice.
    private const UnixFileMode Everybody = (UnixFileMode)0x1FF;
    private readonly HashSet<string> seen = new(StringComparer.Ordinal);
    /// <summary>Volumes that this agent gave up: a request to make one that waited meanwhile comes too late.</summary>
    private readonly HashSet<string> gone = new(StringComparer.Ordinal);
    private volatile IReadOnlySet<Guid> closed = new HashSet<Guid>();

    /// <summary>What the disks with volumes hold altogether, in bytes; 0 where there is none.</summary>
    public long Bytes => Mounted().Sum(TotalOf);

    /// <summary>Which volumes hold more than their claims asked for, as was found last, in words; null where none does.</summary>
    public string? Excess { get; set; }

    /// <summary>These disks, by the ids in their records, take no new volumes.</summary>
    public void TakeNone(IEnumerable<Guid> disks) => closed = disks.ToHashSet();

    /// <summary>Answers the controller; null for what is none of its requests.</summary>
    public async Task<Message?> AnswerAsync(Message request, CancellationToken cancellationToken)
    {
        var name = request switch { MakeVolume make => make.Volume, DropVolume drop => drop.Volume, _ => null };
        if (name is null) return null;
        if (!IsName(name)) return new Fault { Code = FaultCode.BadRequest, Text = "that is no volume's name" };
        // A disk that does not answer keeps no other request waiting.
        try
        {
            return await Task.Run(async () =>
            {
                using var turn = await VolumeRoom.TakeTurnAsync(cancellationToken).ConfigureAwait(false);
                return request is MakeVolume wanted ? Make(wanted) : Drop(name, ((DropVolume)request).Path);
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Fault { Code = FaultCode.Internal, Text = $"{name}: {e.Message}" };
        }
    }

    private Message Make(MakeVolume wanted)
    {
        if (gone.Contains(wanted.Volume)) return new Fault { Code = FaultCode.Conflict, Text = $"{wanted.Volume} was deleted" };
        var places = Places();
        if (wanted.Path is { } path) return MakeAt(path, wanted, places);
        if (places.Select(place => Path.Combine(place, wanted.Volume)).FirstOrDefault(Directory.Exists) is { } known)
            return wanted.OnlyChoose ? new VolumeMade { Path = known } : Open(known);
        var roomiest = places.Where(TakesMore).Select(place => (Place: place, Room: VolumeRoom.Of(place)))
            .OrderByDescending(disk => disk.Room).FirstOrDefault();
        if (roomiest.Place is null || wanted.Bytes <= 0 || roomiest.Room < wanted.Bytes)
            return new Fault
            {
                Code = FaultCode.Conflict,
                Text = roomiest.Place is null ? "this machine has no disk that takes volumes"
                    : $"of {places.Count} disks with volumes none has room for {wanted.Bytes} bytes",
            };
        var chosen = Path.Combine(roomiest.Place, wanted.Volume);
        return wanted.OnlyChoose ? new VolumeMade { Path = chosen } : MakeAt(chosen, wanted, places);
    }

    /// <summary>There and nowhere else: its place was told to others, and may hold it already.</summary>
    private Message MakeAt(string path, MakeVolume wanted, List<string> places)
    {
        if (PlaceOf(path, wanted.Volume) is not { } place)
            return new Fault { Code = FaultCode.BadRequest, Text = "no volume may be there" };
        var disk = Path.GetFileName(place);
        if (!places.Contains(place))
            return Busy($"its disk {disk} is not mounted here now; nothing is on it of this volume yet: where the disk is gone for good, "
                + "delete the claim and make it again");
        if (Directory.Exists(path)) return Open(path);
        if (!TakesMore(place)) return Busy($"its disk {disk} is kept out meanwhile: operosctl disks reclaim {disk}");
        if (wanted.Bytes <= 0 || VolumeRoom.Of(place) < wanted.Bytes)
            return Busy($"its disk {disk} has no room for {wanted.Bytes} bytes any more: delete the claim and make it again, or make room");
        VolumeRoom.Promise(path, wanted.Bytes);
        Directory.CreateDirectory(path);
        return Open(path);
    }

    private bool TakesMore(string place) => !closed.Contains(Guid.Parse(Path.GetFileName(place)));

    /// <summary>The disk's part of a volume's path; null where it is none.</summary>
    private string? PlaceOf(string path, string name) => Path.GetDirectoryName(path) is { } place && Path.GetDirectoryName(place) == root
        && Path.GetFileName(path) == name && Guid.TryParseExact(Path.GetFileName(place), "D", out _) ? place : null;

    /// <summary>A folder that is there, whoever made it and was cut.</summary>
    private static VolumeMade Open(string path)
    {
        File.SetUnixFileMode(path, Everybody);
        AtomicFile.SyncFolder(Path.GetDirectoryName(path)!);
        return new VolumeMade { Path = path };
    }

    /// <param name="path">Where the volume was made.</param>
    private Message Drop(string name, string path)
    {
        if (PlaceOf(path, name) is not { } place) return new Fault { Code = FaultCode.BadRequest, Text = "no volume is there" };
        if (!Places().Contains(place))
            return Busy($"its disk {Path.GetFileName(place)} is not mounted here now; if it is gone for good, take the finalizer off "
                + "the PersistentVolume: kubectl edit pv " + name);
        if (IsUsed(place, name)) return Busy("a pod has it mounted");
        gone.Add(name);
        var dropped = Path.Combine(place, Dropped + name);
        if (Directory.Exists(path)) Directory.Move(path, dropped);
        VolumeRoom.Forget(path);
        // What a pod left may be millions of files: nobody waits for them.
        if (Directory.Exists(dropped)) Delete(dropped);
        return new Done { Text = $"{name} is gone" };
    }

    /// <summary>Whether it is mounted somewhere else, as a kubelet mounts it for a pod: then what is in it may be changing.</summary>
    private static bool IsUsed(string place, string name)
    {
        var mounts = MountTable.Read();
        return mounts.At(place) is { } disk
            && mounts.Of(disk.Device).Any(mount => mount.Where != place && (mount.Root == "/" + name || mount.Root.StartsWith(
                $"/{name}/", StringComparison.Ordinal)));
    }

    private static Fault Busy(string text) => new() { Code = FaultCode.Busy, Text = text, RetryAfterSeconds = 15 };

    /// <summary>By a program that follows no link: whoever wrote the folder may have meant it to lead elsewhere.</summary>
    private void Delete(string folder) => _ = Task.Run(async () =>
    {
        try
        {
            var result = await ProgramCall.RunAsync("rm", ["--recursive", "--force", "--one-file-system", "--", folder],
                CancellationToken.None, longest: TimeSpan.FromHours(6)).ConfigureAwait(false);
            if (result.Code != 0) logger.VolumeNotDeleted(folder, PrintableText.Line(result.LastLine) ?? "rm failed");
        }
        catch (IOException e) { logger.VolumeNotDeleted(folder, e.Message); }
    });

    private static long TotalOf(string place)
    {
        try { return new DriveInfo(place).TotalSize; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return 0; }
    }

    /// <summary>The mounted ones. What an agent before this one was to delete on them is deleted.</summary>
    private List<string> Places()
    {
        var places = Mounted();
        foreach (var place in places.Where(seen.Add))
            foreach (var left in Directory.EnumerateDirectories(place, Dropped + "*")) Delete(left);
        return places;
    }

    /// <summary>Where the disks with volumes are mounted.</summary>
    public List<string> Mounted() => [.. MountTable.Read().Below(root).Select(mount => mount.Where)
        .Where(path => Path.GetDirectoryName(path) == root && Guid.TryParseExact(Path.GetFileName(path), "D", out _))
        .Distinct().Order(StringComparer.Ordinal)];

    private static bool IsName(string name) => name.StartsWith(VolumeRoom.Prefix, StringComparison.Ordinal)
        && Guid.TryParseExact(name.AsSpan(VolumeRoom.Prefix.Length), "D", out _);
}

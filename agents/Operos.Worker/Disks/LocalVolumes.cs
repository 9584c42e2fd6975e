using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Linux.Programs;
using Operos.Proto;

namespace Operos.Worker.Disks;

/// <summary>
/// Folders on this machine's disks for volumes of Kubernetes. A disk promises no more than it holds; what a volume takes beyond its claim
/// nobody stops.
/// </summary>
/// <param name="root">Below it each disk's volumes are mounted.</param>
internal sealed class LocalVolumes(string root, ILogger<LocalVolumes> logger)
{
    private const string Prefix = "pvc-", SizeSuffix = ".bytes", Dropped = ".dropped-";
    // Programs in pods run as users of their own choice.
    private const UnixFileMode Everybody = (UnixFileMode)0x1FF;
    private readonly Lock volumesLock = new();
    private readonly HashSet<string> seen = new(StringComparer.Ordinal);
    private volatile IReadOnlySet<Guid> closed = new HashSet<Guid>();

    /// <summary>What the disks with volumes hold altogether, in bytes; 0 where there is none.</summary>
    public long Bytes => Mounted().Sum(TotalOf);

    /// <summary>These disks, by the ids in their records, take no new volumes.</summary>
    public void TakeNone(IEnumerable<Guid> disks) => closed = disks.ToHashSet();

    /// <summary>Answers the controller; null for what is none of its requests.</summary>
    public async Task<Message?> AnswerAsync(Message request, CancellationToken cancellationToken)
    {
        var name = request switch { MakeVolume make => make.Volume, DropVolume drop => drop.Volume, _ => null };
        if (name is null) return null;
        if (!IsName(name)) return new Fault { Code = FaultCode.BadRequest, Text = "that is no volume's name" };
        // A disk that does not answer keeps no other request waiting.
        try { return await Task.Run(() => request is MakeVolume wanted ? Make(name, wanted.Bytes) : Drop(name, ((DropVolume)request).Path),
            cancellationToken).ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Fault { Code = FaultCode.Internal, Text = $"{name}: {e.Message}" };
        }
    }

    private Message Make(string name, long bytes)
    {
        lock (volumesLock)
        {
            var places = Places();
            if (places.Select(place => Path.Combine(place, name)).FirstOrDefault(Directory.Exists) is { } known) return Open(known);
            var roomiest = places.Where(place => !closed.Contains(Guid.Parse(Path.GetFileName(place))))
                .Select(place => (Place: place, Room: RoomOf(place))).OrderByDescending(disk => disk.Room).FirstOrDefault();
            if (roomiest.Place is null || bytes <= 0 || roomiest.Room < bytes)
                return new Fault
                {
                    Code = FaultCode.Conflict,
                    Text = roomiest.Place is null ? "this machine has no disk that takes volumes"
                        : $"of {places.Count} disks with volumes none has room for {bytes} bytes",
                };
            var path = Path.Combine(roomiest.Place, name);
            // The promise first: a folder without one would count for nothing.
            AtomicFile.Write(path + SizeSuffix, Encoding.ASCII.GetBytes($"{bytes}\n"));
            Directory.CreateDirectory(path);
            return Open(path);
        }
    }

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
        var place = Path.GetDirectoryName(path);
        if (place is null || Path.GetDirectoryName(place) != root || Path.GetFileName(path) != name
            || !Guid.TryParseExact(Path.GetFileName(place), "D", out _))
            return new Fault { Code = FaultCode.BadRequest, Text = "no volume is there" };
        lock (volumesLock)
        {
            if (!Places().Contains(place))
                return Busy($"its disk {Path.GetFileName(place)} is not mounted here now; if it is gone for good, take the finalizer off "
                    + "the PersistentVolume: kubectl edit pv " + name);
            if (IsUsed(place, name)) return Busy("a pod has it mounted");
            var dropped = Path.Combine(place, Dropped + name);
            if (Directory.Exists(path)) Directory.Move(path, dropped);
            AtomicFile.Delete(path + SizeSuffix);
            // What a pod left may be millions of files: nobody waits for them.
            if (Directory.Exists(dropped)) Delete(dropped);
        }
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

    /// <summary>What a disk may still promise: what it holds less what it has promised, and no more than is free.</summary>
    private static long RoomOf(string place)
    {
        var drive = new DriveInfo(place);
        // A promise whose folder was never made counts for nothing: the claim may be another disk's by now.
        var promised = Directory.EnumerateFiles(place, Prefix + "*" + SizeSuffix)
            .Where(file => Directory.Exists(file[..^SizeSuffix.Length])).Sum(SizeIn);
        return Math.Min(drive.TotalSize - promised, drive.AvailableFreeSpace);
    }

    private static long TotalOf(string place)
    {
        try { return new DriveInfo(place).TotalSize; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return 0; }
    }

    private static long SizeIn(string file) =>
        long.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : 0;

    /// <summary>The mounted ones. What an agent before this one was to delete on them is deleted.</summary>
    private List<string> Places()
    {
        var places = Mounted();
        foreach (var place in places.Where(seen.Add))
            foreach (var left in Directory.EnumerateDirectories(place, Dropped + "*")) Delete(left);
        return places;
    }

    private List<string> Mounted() => [.. MountTable.Read().Below(root).Select(mount => mount.Where)
        .Where(path => Path.GetDirectoryName(path) == root && Guid.TryParseExact(Path.GetFileName(path), "D", out _))
        .Distinct().Order(StringComparer.Ordinal)];

    private static bool IsName(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && Guid.TryParseExact(name.AsSpan(Prefix.Length), "D", out _);
}

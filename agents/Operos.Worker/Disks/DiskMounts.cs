using Operos.Linux;
using Operos.Linux.Programs;
using Operos.Proto;
using Operos.Storage.Contents;
using Operos.Storage.Layouts;
using Operos.Storage.Work;

namespace Operos.Worker.Disks;

/// <summary>
/// The file systems of this machine's own disks: the ephemeral one, made anew at each boot, and those of volumes, which stay. What is
/// mounted already is left as it is.
/// </summary>
internal sealed class DiskMounts(DiskPaths paths, NodeFolders folders, DeviceNodes nodes)
{
    private const string Mapper = "/dev/mapper/", EphemeralName = DeviceNodes.OwnName + "ephemeral",
        VolumesName = DeviceNodes.OwnName + "volumes-",
        EphemeralLabel = "ephemeral";
    private const long Mebibyte = 1 << 20;

    public const string EphemeralLost =
        "the disk with containerd's and the kubelet's folders is gone: this machine is to be drained and rebooted, and the next boot uses "
        + "another";

    /// <summary>systemd undoes the mount of a device whose file system udev has not read yet.</summary>
    private static readonly TimeSpan SettlePatience = TimeSpan.FromSeconds(10);

    /// <summary>Whether the ephemeral file system is there.</summary>
    public bool HasEphemeral => MountTable.Read().At(paths.Ephemeral) is not null;

    /// <summary>Whether the disk of a node's folders went away since the node began; it does not come back in this boot.</summary>
    /// <remarks>That they are mounted no more is no sign of it: so it is where the machine shuts down.</remarks>
    public bool HasLostNodeDisk
    {
        get
        {
            if (folders.Device is { } device && !nodes.IsThere(device)) folders.Lose();
            return folders.AreLost;
        }
    }

    /// <summary>Makes the ephemeral file system and puts a node's folders onto it.</summary>
    /// <param name="partition">Of the best disk; what it holds is of a boot that is over.</param>
    /// <exception cref="IOException">It cannot be made or mounted; the next disk may be tried.</exception>
    public async Task MakeEphemeralAsync(OwnDisk disk, OwnPartition partition, bool encrypt, CancellationToken cancellationToken)
    {
        using var held = await HeldDisk.OpenAsync(disk, partition, cancellationToken).ConfigureAwait(false);
        await MakeEphemeralAsync(partition.Path, encrypt, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same in a file among the volumes of a disk, for a machine that lost the disk which had the partition.</summary>
    /// <exception cref="IOException">There is too little room, or it cannot be made or mounted.</exception>
    public async Task MakeEphemeralFileAsync(string volumes, bool encrypt, CancellationToken cancellationToken)
    {
        if (MountTable.Read().At(volumes) is null) throw new StorageException($"nothing is mounted at {volumes}");
        var file = Path.Combine(volumes, VolumeRoom.EphemeralFile);
        await TakeAsync(volumes, file, cancellationToken).ConfigureAwait(false);
        // The loop device goes with who uses it.
        using var loop = LoopDevice.Attach(file, FileAccess.ReadWrite, 0, out var device);
        await MakeEphemeralAsync(device, encrypt, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes the file, of half of what is nobody's.</summary>
    private static async Task TakeAsync(string volumes, string file, CancellationToken cancellationToken)
    {
        using var turn = await VolumeRoom.TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        File.Delete(file);
        // What was promised to volumes stays theirs, also what they have not written yet.
        var bytes = VolumeRoom.Of(volumes) / 2 / Mebibyte * Mebibyte;
        if (bytes < DiskLayout.SmallestLocal)
            throw new StorageException(
                $"half of what is free at {volumes} and promised to no volume is {bytes / Mebibyte} MiB: too little for images and logs");
        // Its room is taken at once: volumes that fill the disk later must not take it away from below a file system.
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = FileModes.Private, PreallocationSize = bytes,
        };
        await using var image = new FileStream(file, options);
        image.SetLength(bytes);
    }

    private async Task MakeEphemeralAsync(string device, bool encrypt, CancellationToken cancellationToken)
    {
        if (File.Exists(Mapper + EphemeralName)) await Encryption.CloseAsync(EphemeralName, cancellationToken).ConfigureAwait(false);
        if (encrypt)
            device = await Encryption.OpenWithNewKeyAsync(device, EphemeralName, cancellationToken).ConfigureAwait(false);
        await FileSystem.MakeAsync(device, EphemeralLabel, cancellationToken).ConfigureAwait(false);
        await SettleAsync(cancellationToken).ConfigureAwait(false);
        // Tables of inodes that nobody uses need not be written in the background: the next boot makes new ones.
        await FileSystem.MountAsync(device, paths.Ephemeral, "noinit_itable", cancellationToken).ConfigureAwait(false);
        // What is mounted for pods in a folder is not to be seen twice.
        Mounts.MakePrivate(paths.Ephemeral);
        await TakeFoldersAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Puts a node's folders onto the ephemeral file system, those that an agent which ended in between did not, too.</summary>
    /// <exception cref="IOException">None of them can be; then it is mounted no more, and another disk may be tried.</exception>
    public async Task TakeFoldersAsync(CancellationToken cancellationToken)
    {
        try { folders.Take(); }
        catch (IOException) when (folders.Place != NodePlace.Disk)
        {
            Mounts.Detach(paths.Ephemeral);
            if (File.Exists(Mapper + EphemeralName)) await Encryption.CloseAsync(EphemeralName, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Mounts the volumes of a disk.</summary>
    /// <param name="keyOf">The key of a disk, which is asked for where its volumes are encrypted.</param>
    /// <exception cref="IOException">They cannot be mounted, or there is no key for them now.</exception>
    public async Task MountVolumesAsync(OwnDisk disk, OwnPartition partition, Func<Guid, CancellationToken, Task<byte[]>> keyOf,
        CancellationToken cancellationToken)
    {
        var where = VolumesOf(disk);
        if (MountTable.Read().At(where) is not null) return;
        using var held = await HeldDisk.OpenAsync(disk, partition, cancellationToken).ConfigureAwait(false);
        var device = partition.Path;
        if (Encryption.IsEncrypted(partition.Path))
        {
            device = Mapper + NameOf(disk);
            if (!File.Exists(device))
                await Encryption.OpenAsync(partition.Path, NameOf(disk), await keyOf(disk.Record.Disk, cancellationToken)
                    .ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        }
        await SettleAsync(cancellationToken).ConfigureAwait(false);
        // Pods write there, and whoever brings the disk.
        await FileSystem.MountAsync(device, where, null, Mounts.MountFlags.NoDev | Mounts.MountFlags.NoSuid, cancellationToken)
            .ConfigureAwait(false);
        // Of a boot that is over.
        File.Delete(Path.Combine(where, VolumeRoom.EphemeralFile));
    }

    /// <summary>What a disk's partitions are used for now.</summary>
    public IReadOnlyList<DiskUse> UsesOf(OwnDisk disk)
    {
        var mounts = MountTable.Read();
        return [.. disk.Partitions.Select(partition => UseOf(disk, partition, mounts))];
    }

    /// <summary>Takes away what was mounted of disks that are gone; what is on the others stays.</summary>
    /// <returns>What is lost, in words.</returns>
    public async Task<IReadOnlyList<string>> ReleaseLostAsync(CancellationToken cancellationToken)
    {
        var lost = new List<string>();
        // Kept for the agent that begins next.
        _ = HasLostNodeDisk;
        var mounts = MountTable.Read();
        // What a pod mounts below them is its own, and may be of no device at all.
        foreach (var mount in mounts.Below(paths.Volumes).Where(mount => Path.GetDirectoryName(mount.Where) == paths.Volumes
            && !nodes.IsThere(mount.Device)))
        {
            Mounts.Detach(mount.Where);
            // It closes when whoever has a file open there ends.
            if (File.Exists($"{Mapper}{VolumesName}{Path.GetFileName(mount.Where)}"))
                await ProgramCall.RunAsync("cryptsetup", ["close", "--deferred", $"{VolumesName}{Path.GetFileName(mount.Where)}"],
                    cancellationToken).ConfigureAwait(false);
            lost.Add($"the disk of {mount.Where} is gone, and its volumes with it: put it back, or another in its place");
        }
        if (mounts.At(paths.Ephemeral) is { } ephemeral && !nodes.IsThere(ephemeral.Device))
            lost.Add(EphemeralLost);
        return lost;
    }

    private DiskUse UseOf(OwnDisk disk, OwnPartition partition, MountTable mounts)
    {
        var (name, place) = partition.Use switch
        {
            PartitionUse.Ephemeral => (EphemeralName, paths.Ephemeral),
            PartitionUse.Volumes => (NameOf(disk), VolumesOf(disk)),
            _ => ("", ""),
        };
        var mount = place.Length > 0 ? mounts.At(place) : null;
        var isPlain = mount is not null && mount.Device == BlockDevice.NumberOf(partition.Path);
        var isMapped = mount is not null && !isPlain && mount.Device == BlockDevice.NumberOf(Mapper + name)
            && nodes.IsOn(mount.Device, partition.Path);
        var space = isPlain || isMapped ? new DriveInfo(place) : null;
        return new DiskUse
        {
            Use = partition.Use.ToString().ToLowerInvariant(), Bytes = partition.Bytes, MountedAt = space is null ? null : place,
            UsedBytes = space is null ? -1 : space.TotalSize - space.TotalFreeSpace,
            Encrypted = isMapped || (partition is { Use: PartitionUse.Volumes, IsKnown: true } && IsEncrypted(partition.Path)),
        };
    }

    private static bool IsEncrypted(string path)
    {
        try { return Encryption.IsEncrypted(path); }
        catch (IOException) { return false; }
    }

    /// <summary>Where the volumes of a disk are mounted.</summary>
    public string VolumesOf(OwnDisk disk) => Path.Combine(paths.Volumes, disk.Record.Disk.ToString());

    private static string NameOf(OwnDisk disk) => VolumesName + disk.Record.Disk;

    /// <summary>Waits until udev has seen the devices that the kernel told it of; not for long.</summary>
    public static async Task SettleAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists("/run/udev/data")) return;
        // One that takes longer is waited for no more: the mount tells what is wrong.
        await ProgramCall.RunAsync("udevadm", ["settle", $"--timeout={SettlePatience.TotalSeconds:0}"], cancellationToken)
            .ConfigureAwait(false);
    }
}

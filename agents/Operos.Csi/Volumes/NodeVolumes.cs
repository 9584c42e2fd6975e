using Microsoft.Extensions.Logging;
using Operos.Csi.Rbd;
using Operos.Linux;
using Operos.Storage.Contents;

namespace Operos.Csi.Volumes;

/// <summary>What of a volume is used, and what is left. Of a device only the total is known.</summary>
public sealed record VolumeRoom(FileSystemRoom? FileSystem, long Bytes);

/// <summary>
/// The volumes of this machine's pods: each an image that is mapped, and mounted where the kubelet wants it. Nothing is kept beside what
/// the kernel knows, so that an agent which begins anew goes on where the last one was; every step may be done again.
/// </summary>
/// <remarks>
/// What is begun for a volume goes on when the kubelet gives up waiting: a call of the kernel that hangs cannot be taken back. Until it
/// ends nothing else is done with that volume, and others are not concerned.
/// </remarks>
internal sealed class NodeVolumes(CsiPaths paths, IImageGrants grants, ILogger logger)
{
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(5);

    private readonly RbdBus bus = new(paths);
    private readonly VolumeContent content = new();
    private readonly Dictionary<string, Work> works = new(StringComparer.Ordinal);
    private readonly Lock worksLock = new();

    /// <summary>What is under way for a volume.</summary>
    private sealed record Work(string What, long Since);

    /// <summary>Maps the image, and mounts its file system at the staging path; the first time it is made.</summary>
    /// <exception cref="VolumeException">It cannot be had, or not now.</exception>
    public Task StageAsync(string volume, VolumeUse use, string staging, CancellationToken cancellationToken) =>
        AloneAsync(volume, "mapped and mounted", async end =>
        {
            var device = await MapAsync(volume, end).ConfigureAwait(false);
            if (use.IsBlock) return true;
            if (MountTable.Read().At(staging) is { } there)
            {
                if (there.Device == device.Number) return true;
                throw new VolumeException(VolumeProblem.NotNow, $"at {staging} something else is mounted, of device {there.Device}");
            }
            await content.PrepareAsync(device, end).ConfigureAwait(false);
            // What is deleted is given back to the pool. Pods have no business with devices in a volume.
            await FileSystem.MountAsync(device.Path, staging, string.Join(',', (string[])["discard", .. use.Options]),
                Mounts.MountFlags.NoDev | Mounts.MountFlags.NoSuid, end).ConfigureAwait(false);
            await content.GrowAsync(device, end).ConfigureAwait(false);
            logger.VolumeStaged(volume, device.Path, device.Address);
            return true;
        }, cancellationToken);

    /// <summary>Unmounts it, and lets the image go. Whatever of it is done already is not missed.</summary>
    /// <exception cref="VolumeException">A pod uses it still, or it is not let go.</exception>
    public Task UnstageAsync(string volume, string staging, CancellationToken cancellationToken) =>
        AloneAsync(volume, "unmounted and let go", async end =>
        {
            var device = bus.Find(null, volume);
            var mounts = MountTable.Read();
            if (device?.Number is { } number && mounts.Of(number).FirstOrDefault(mount => mount.Where != staging) is { } used)
                throw new VolumeException(VolumeProblem.NotNow, $"volume {volume} is mounted at {used.Where} still");
            if (mounts.At(staging) is not null) Unmount(staging);
            if (device is not null)
            {
                await RunAsync(() => bus.Remove(device), end).ConfigureAwait(false);
                logger.VolumeLetGo(volume, device.Path);
            }
            await grants.ReturnAsync(volume, end).ConfigureAwait(false);
            return true;
        }, cancellationToken);

    /// <summary>Shows a staged volume to a pod.</summary>
    /// <exception cref="VolumeException">It is not staged, or cannot be shown there.</exception>
    public Task PublishAsync(string volume, VolumeUse use, string staging, string target, CancellationToken cancellationToken) =>
        AloneAsync(volume, "shown to a pod", async end =>
        {
            var device = bus.Find(null, volume) ?? throw NotStaged(volume);
            var mounts = MountTable.Read();
            if (!use.IsBlock && mounts.At(staging)?.Device != device.Number) throw NotStaged(volume);
            if (mounts.At(target) is null)
            {
                if (use.IsBlock) MakeFile(target);
                else Directory.CreateDirectory(target, FileModes.GroupFolder);
                await RunAsync(() => Mounts.Mount(use.IsBlock ? device.Path : staging, target, null, Mounts.MountFlags.Bind), end)
                    .ConfigureAwait(false);
            }
            // A bind takes its flags in a second step only.
            if (use.IsReadOnly)
                Mounts.Mount("none", target, null, Mounts.MountFlags.Bind | Mounts.MountFlags.Remount | Mounts.MountFlags.ReadOnly
                    | (use.IsBlock ? Mounts.MountFlags.None : Mounts.MountFlags.NoDev | Mounts.MountFlags.NoSuid));
            return true;
        }, cancellationToken);

    /// <summary>Takes it away from a pod that is over.</summary>
    /// <exception cref="VolumeException">A process uses it still.</exception>
    public Task UnpublishAsync(string volume, string target, CancellationToken cancellationToken) =>
        AloneAsync(volume, "taken away from a pod", _ =>
        {
            while (MountTable.Read().At(target) is not null) Unmount(target);
            if (Directory.Exists(target)) Directory.Delete(target);
            else if (File.Exists(target)) File.Delete(target);
            return Task.FromResult(true);
        }, cancellationToken);

    /// <summary>Takes the image's new size, and lets its file system grow to it, in use as it is.</summary>
    /// <returns>The size in bytes.</returns>
    /// <exception cref="VolumeException">It is not here, or is not larger yet.</exception>
    public Task<long> ExpandAsync(string volume, long wanted, CancellationToken cancellationToken) =>
        AloneAsync(volume, "grown", async end =>
        {
            var device = bus.Find(null, volume) ?? throw NotStaged(volume);
            if (device.Bytes < wanted) await RunAsync(() => bus.Refresh(device), end).ConfigureAwait(false);
            var bytes = device.Bytes;
            if (bytes < wanted)
                throw new VolumeException(VolumeProblem.NotNow, $"the image of {volume} has {bytes} bytes still, not {wanted}");
            if (device.Number is { } number && MountTable.Read().Of(number).Any(mount => mount.Type == FileSystem.Type))
                await content.GrowAsync(device, end).ConfigureAwait(false);
            return bytes;
        }, cancellationToken);

    /// <summary>How full it is.</summary>
    /// <exception cref="VolumeException">It is not there.</exception>
    public async Task<VolumeRoom> LookAsync(string volume, string path, CancellationToken cancellationToken)
    {
        var device = bus.Find(null, volume) ?? throw NotStaged(volume);
        if (MountTable.Read().At(path) is not { } mount)
            throw new VolumeException(VolumeProblem.Unknown, $"volume {volume} is not at {path}");
        // A device's node is a file of /dev; the file system of a volume is of its device.
        return mount.Device == device.Number
            ? new VolumeRoom(await Task.Run(() => FileSystemRoom.Of(path), cancellationToken).ConfigureAwait(false), device.Bytes)
            : new VolumeRoom(null, device.Bytes);
    }

    /// <summary>
    /// Tells each controller that connects what is mapped here, until it is told to end: one that was put back from a backup does not know
    /// it, and could shut nobody out. What is refused, such as a volume that another machine has by now, stays as it is.
    /// </summary>
    public async Task KeepToldAsync(CancellationToken cancellationToken)
    {
        var told = new HashSet<string>(StringComparer.Ordinal);
        for (object? session = null; ; await Task.Delay(Glance, cancellationToken).ConfigureAwait(false))
        {
            if (grants.Session is not { } now) continue;
            if (now != session) told.Clear();
            session = now;
            foreach (var device in Mapped().Where(device => !told.Contains(device.Image)))
                if (await TryTellAsync(device, cancellationToken).ConfigureAwait(false)) told.Add(device.Image);
        }
    }

    private IReadOnlyList<RbdDevice> Mapped()
    {
        try { return bus.List(); }
        // It went while it was looked at.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return []; }
    }

    /// <returns>Whether the controller took it, or will not.</returns>
    private async Task<bool> TryTellAsync(RbdDevice device, CancellationToken cancellationToken)
    {
        try
        {
            // Alone: what is let go meanwhile must not be told afterwards.
            return await AloneAsync(device.Image, "told of", async end =>
            {
                if (bus.Find(device.Fsid, device.Image) is { } mapped)
                    await grants.TellAsync(mapped.Image, [mapped.Address], end).ConfigureAwait(false);
                return true;
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (VolumeException e)
        {
            var isLater = e.Problem is VolumeProblem.Silence or VolumeProblem.Busy;
            if (!isLater) logger.VolumeNotTold(device.Image, e.Message);
            return !isLater;
        }
    }

    private async Task<RbdDevice> MapAsync(string volume, CancellationToken cancellationToken)
    {
        // Asked again where it is mapped, too: who has it is the controller's to say, and it may have lost what it knew.
        var grant = await grants.TakeAsync(volume, cancellationToken).ConfigureAwait(false);
        var device = bus.Find(grant.Map.Fsid, grant.Image);
        if (device is null)
        {
            bus.Load();
            device = await RunAsync(() => bus.Add(grant), cancellationToken).ConfigureAwait(false);
        }
        // Before anything is written: an address that the controller does not know cannot be shut out.
        await grants.TellAsync(volume, [device.Address], cancellationToken).ConfigureAwait(false);
        return device;
    }

    private static VolumeException NotStaged(string volume) =>
        new(VolumeProblem.Unknown, $"volume {volume} is not mapped and mounted on this machine");

    private static void Unmount(string path)
    {
        try { Mounts.Unmount(path); }
        catch (LinuxException e) when (e.Errno == Errno.EBUSY)
        {
            throw new VolumeException(VolumeProblem.NotNow, $"a process uses {path} still", e);
        }
    }

    /// <summary>What a device is bound to: an empty file.</summary>
    private static void MakeFile(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var file = new FileStream(path, new FileStreamOptions
            { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = FileModes.Private });
    }

    private static Task RunAsync(Action act, CancellationToken cancellationToken) =>
        RunAsync(() => { act(); return true; }, cancellationToken);

    /// <summary>On a thread of its own: the kernel takes its time.</summary>
    private static Task<T> RunAsync<T>(Func<T> act, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(act, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Does one thing for a volume at a time.</summary>
    /// <param name="what">In words, as it ends the sentence "it is being".</param>
    private async Task<T> AloneAsync<T>(string volume, string what, Func<CancellationToken, Task<T>> act,
        CancellationToken cancellationToken)
    {
        lock (worksLock)
        {
            if (works.TryGetValue(volume, out var before))
                throw new VolumeException(VolumeProblem.Busy, $"volume {volume} is being {before.What} since "
                    + $"{TimeProvider.System.GetElapsedTime(before.Since).TotalSeconds:0} s");
            works.Add(volume, new Work(what, TimeProvider.System.GetTimestamp()));
        }
        var done = Task.Run(async () =>
        {
            try { return await act(CancellationToken.None).ConfigureAwait(false); }
            catch (Exception e) when (e is not VolumeException)
            {
                if (e is not (IOException or UnauthorizedAccessException)) logger.VolumeWorkFailed(e, volume, what);
                throw new VolumeException(VolumeProblem.Failure, e.Message, e);
            }
            finally
            {
                lock (worksLock) works.Remove(volume);
            }
        }, CancellationToken.None);
        return await done.WaitAsync(cancellationToken).ConfigureAwait(false);
    }
}

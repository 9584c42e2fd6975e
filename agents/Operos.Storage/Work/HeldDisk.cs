using Operos.Linux;
using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Work;

/// <summary>
/// A disk of ours that is held open while programs work on it by its name: as long as it is, no other disk gets that name, whatever is
/// pulled and put in. It is held for reading alone and without a lock, which keeps nobody out.
/// </summary>
public sealed class HeldDisk : IDisposable
{
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(10);

    private readonly BlockDevice device;

    private HeldDisk(BlockDevice device) => this.device = device;

    /// <summary>Holds whatever has this name now; a look that follows tells what it is.</summary>
    /// <param name="path">Of its device.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    internal static HeldDisk Open(string path) => new(BlockDevice.Open(path));

    /// <summary>Holds a disk of ours, and makes the kernel know one of its partitions where the table has it.</summary>
    /// <exception cref="StorageException">Another disk has its name by now, it does not answer, or the kernel does not take it.</exception>
    public static async Task<HeldDisk> OpenAsync(OwnDisk disk, OwnPartition partition, CancellationToken cancellationToken)
    {
        var device = BlockDevice.Open(disk.Path);
        var read = Task.Factory.StartNew(() => DiskRecordWriter.Read(new DeviceBytes(device)).Current, cancellationToken,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            var record = await read.WaitAsync(DiskLook.Patience, cancellationToken).ConfigureAwait(false);
            if (record?.Disk != disk.Record.Disk || record.Cluster != disk.Record.Cluster)
                throw new StorageException($"{disk.Path} is not the disk {disk.Record.Disk} any more: it is looked at again");
            await EnsureAsync(disk, partition, cancellationToken).ConfigureAwait(false);
            return new HeldDisk(device);
        }
        catch (Exception e)
        {
            device.DisposeAfter(read);
            if (e is not TimeoutException) throw;
            throw new StorageException($"{disk.Path} does not answer", e);
        }
    }

    /// <summary>A table without the sector before it, which keeps others away, is not read by the kernel.</summary>
    private static async Task EnsureAsync(OwnDisk disk, OwnPartition partition, CancellationToken cancellationToken)
    {
        if (PartitionNodes.IsThere(partition)) return;
        using var locked = await DeviceLock.TakeAsync(disk.Path, LockPatience, cancellationToken).ConfigureAwait(false);
        if (new DiskFactsReader().Find(DiskFacts.NameOf(disk.Path)) is not { } facts)
            throw new StorageException($"{disk.Path} is gone");
        // What was known at the look may be away by now.
        var wanted = disk with { Partitions = [partition with { IsKnown = false }] };
        await PartitionNodes.EnsureAsync(wanted, facts, cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => device.Dispose();
}

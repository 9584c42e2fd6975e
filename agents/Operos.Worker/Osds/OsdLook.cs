using Operos.Ceph.Osds;
using Operos.Linux;
using Operos.Storage.Looks;
using Operos.Storage.Work;

namespace Operos.Worker.Osds;

/// <summary>Looks at a partition for an OSD: reads, changes nothing.</summary>
internal static class OsdLook
{
    /// <exception cref="IOException">It cannot be read, or does not answer.</exception>
    public static async Task<OsdPartition> TakeAsync(OwnPartition partition, CancellationToken cancellationToken)
    {
        var found = new OsdPartition(partition.Id, partition.Bytes);
        var start = await ReadStartAsync(partition.Path, cancellationToken).ConfigureAwait(false);
        if (!OsdLabel.Begins(start))
            return found with { Contents = await PartitionLook.WhyNotBlankAsync(partition, cancellationToken).ConfigureAwait(false) };
        try { return found with { Label = OsdLabel.Read(start) }; }
        catch (InvalidDataException e) { return found with { Damage = e.Message }; }
    }

    private static async Task<byte[]> ReadStartAsync(string path, CancellationToken cancellationToken)
    {
        // A thread of its own: a disk that does not answer keeps it.
        var read = Task.Factory.StartNew(() =>
        {
            using var device = BlockDevice.Open(path);
            return device.Read(0, OsdLabel.Length).ToArray();
        }, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try { return await read.WaitAsync(DiskLook.Longest, cancellationToken).ConfigureAwait(false); }
        catch (TimeoutException e) { throw new StorageException($"{path} does not answer", e); }
    }
}

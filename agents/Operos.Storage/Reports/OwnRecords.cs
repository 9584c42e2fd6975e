using Operos.Linux;
using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Reports;

/// <summary>The records that this machine's disks carry, read without looking at anything else on them.</summary>
public static class OwnRecords
{
    /// <summary>A disk that has not answered by then is passed over; it is asked again at the next look.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The disks of a cluster, by their paths; those of other machines that were moved here are among them.</summary>
    /// <param name="cluster">SHA-256 of the certificate of the cluster's authority, in hex, lower case.</param>
    public static async Task<IReadOnlyList<(string Path, DiskRecord Record)>> ReadAsync(string cluster, CancellationToken cancellationToken)
    {
        var paths = new DiskFactsReader().Read().Where(facts => facts.Transport.IsOwn())
            .Select(facts => $"/dev/{facts.Name.Replace('!', '/')}")
            // What the kernel knows and this machine has no device of is another's: a container's host's.
            .Where(File.Exists);
        var reads = await Task.WhenAll(paths.Select(path => TryReadAsync(path, cancellationToken))).ConfigureAwait(false);
        return [.. reads.Where(read => read.Record?.Cluster == cluster).Select(read => (read.Path, read.Record!))];
    }

    /// <summary>Has a disk that was found to be a machine's own carry its token. The disk may be in use.</summary>
    /// <param name="seen">Its record when it was looked at: another disk may have its name by now.</param>
    /// <returns>Whether it carries it now; not where its record is another one by now.</returns>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public static bool Carry(string path, DiskRecord seen, MachineToken token, DateTimeOffset now)
    {
        using var device = BlockDevice.OpenForWritingInUse(path);
        var disk = new DeviceBytes(device);
        var records = DiskRecordWriter.Read(disk);
        if (records.Contradiction is not null || records.Current != seen || disk.Bytes < seen.Bytes) return false;
        // A disk that grew has its record at its new end.
        DiskRecordWriter.Write(disk, seen with { Token = token, Sequence = seen.Sequence + 1, Bytes = disk.Bytes, Written = now });
        return true;
    }

    private static async Task<(string Path, DiskRecord? Record)> TryReadAsync(string path, CancellationToken cancellationToken)
    {
        // A thread of its own: a disk that does not answer keeps it.
        var read = Task.Factory.StartNew(() => Read(path), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try { return (path, await read.WaitAsync(Patience, cancellationToken).ConfigureAwait(false)); }
        catch (TimeoutException) { return (path, null); }
    }

    private static DiskRecord? Read(string path)
    {
        try
        {
            using var device = BlockDevice.Open(path);
            var records = DiskRecordWriter.Read(new DeviceBytes(device));
            return records.Contradiction is null ? records.Current : null;
        }
        catch (IOException) { return null; }
    }
}

using System.Globalization;
using Operos.Linux;
using Operos.Storage.Looks;

namespace Operos.Storage.Work;

/// <summary>The kernel's devices of a disk's partitions.</summary>
internal static class PartitionNodes
{
    private const long SectorSize = 512;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10), Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Makes the kernel know each partition where the table has it: it may not have read a table that was written while somebody looked.
    /// </summary>
    /// <exception cref="StorageException">A device does not appear.</exception>
    public static async Task EnsureAsync(OwnDisk disk, DiskFacts facts, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        foreach (var partition in disk.Partitions.Where(partition => !partition.IsKnown))
        {
            // udev reads a table anew when whoever wrote it is done: for a moment the kernel knows none, and then all of them.
            while (!IsThere(partition))
            {
                try
                {
                    // One of this number and elsewhere is of a table that is gone.
                    if (facts.Partitions.Any(known => DiskFacts.PathOf(known.Name) == partition.Path) && File.Exists(partition.Path))
                        PartitionDevices.Remove(disk.Path, partition.Number);
                    PartitionDevices.Add(disk.Path, partition.Number, partition.Offset, partition.Bytes);
                    break;
                }
                catch (LinuxException e) when (TimeProvider.System.GetElapsedTime(start) > Longest)
                {
                    throw new StorageException($"the kernel does not take partition {partition.Number} of {disk.Path}: {e.Message}; "
                        + "it does at the machine's next boot", e);
                }
                catch (LinuxException) { await Task.Delay(Pause, cancellationToken).ConfigureAwait(false); }
            }
        }
        foreach (var partition in disk.Partitions)
        {
            while (!File.Exists(partition.Path))
            {
                if (TimeProvider.System.GetElapsedTime(start) > Longest)
                    throw new StorageException($"{partition.Path} did not appear within {Longest.TotalSeconds:0} s");
                await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Whether the kernel knows it now, at its place and of its size.</summary>
    public static bool IsThere(OwnPartition partition)
    {
        var folder = Path.Combine("/sys/class/block", DiskFacts.NameOf(partition.Path));
        return Read("start") == partition.Offset && Read("size") == partition.Bytes;

        long? Read(string file)
        {
            try { return long.Parse(File.ReadAllText(Path.Combine(folder, file)), CultureInfo.InvariantCulture) * SectorSize; }
            catch (Exception e) when (e is IOException or FormatException) { return null; }
        }
    }
}

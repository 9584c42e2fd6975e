using System.Globalization;
using Operos.Linux;
using Operos.Linux.Programs;

namespace Operos.Storage.Contents;

/// <summary>The file systems of our partitions: ext4, which is made in a moment on any size, and grows.</summary>
public static class FileSystem
{
    public const string Type = "ext4";

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5), Patience = TimeSpan.FromSeconds(5),
        Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Makes a new one; whatever was there is gone.</summary>
    /// <param name="path">Of a partition or an encrypted device, not in use.</param>
    /// <param name="label">At most 16 bytes.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static async Task MakeAsync(string path, string label, CancellationToken cancellationToken)
    {
        // Tables of inodes are written when they are used first; nothing is kept for root, and what the disk does not hold is not told it.
        string[] arguments = ["-q", "-F", "-m", "0", "-L", label, "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", path];
        var made = await ProgramCall.RunAsync("mkfs.ext4", arguments, cancellationToken, longest: Longest).ConfigureAwait(false);
        if (made.Code != 0)
            throw new IOException(string.Create(CultureInfo.InvariantCulture,
                $"no file system can be made on {path}: mkfs.ext4 ended with {made.Code}: {PrintableText.Line(made.LastLine)}"));
    }

    /// <summary>Mounts one. It may have to replay its journal first, for which it takes its time.</summary>
    /// <param name="where">A folder; it is made where it is not there.</param>
    /// <param name="options">Of the file system; null for none.</param>
    /// <exception cref="IOException">It cannot be mounted.</exception>
    public static Task MountAsync(string path, string where, string? options, CancellationToken cancellationToken) =>
        MountAsync(path, where, options, Mounts.MountFlags.None, cancellationToken);

    /// <summary>The same, with flags of the mount.</summary>
    /// <param name="flags">Besides those that all have.</param>
    public static async Task MountAsync(string path, string where, string? options, Mounts.MountFlags flags,
        CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(where);
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await Task.Factory.StartNew(() => Mounts.Mount(path, where, Type, Mounts.MountFlags.NoAtime | flags, options),
                    cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
                return;
            }
            catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENXIO
                && TimeProvider.System.GetElapsedTime(start) < Patience)
            {
                // Somebody reads the disk's partition table anew: its partitions are away for a moment.
            }
            catch (LinuxException e) { throw new IOException($"{path} cannot be mounted at {where}: {e.Message}", e); }
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }
}

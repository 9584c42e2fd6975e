using System.Globalization;
using System.Text;
using Operos.Linux;

namespace Operos.Worker.Disks;

/// <summary>
/// What a disk's file system for volumes has promised: a file beside each volume's folder says how many bytes. What it has beyond that may
/// be promised to others, or taken for images and logs.
/// </summary>
internal static class VolumeRoom
{
    public const string Prefix = "pvc-";
    /// <summary>Where images and logs are in a boot in which no partition has them.</summary>
    public const string EphemeralFile = "ephemeral.img";

    private const string Suffix = ".bytes";
    private const long MostBytes = 1L << 44;
    private static readonly SemaphoreSlim turn = new(1);

    /// <summary>Whoever asks what is left and takes of it has the turn: volumes, images and logs are not promised the same.</summary>
    public static Task<IDisposable> TakeTurnAsync(CancellationToken cancellationToken) => Turn.TakeAsync(turn, cancellationToken);

    /// <param name="folder">The volume's, which is made after this: a folder without a promise would count for nothing.</param>
    public static void Promise(string folder, long bytes) => AtomicFile.Write(folder + Suffix, Encoding.ASCII.GetBytes($"{bytes}\n"));

    public static void Forget(string folder) => AtomicFile.Delete(folder + Suffix);

    /// <summary>What is neither promised nor taken, in bytes, and no more than is free.</summary>
    /// <param name="place">Where the file system is mounted.</param>
    public static long Of(string place)
    {
        var drive = new DriveInfo(place);
        var promised = PromisesOn(place).Sum(promise => promise.Bytes);
        var image = new FileInfo(Path.Combine(place, EphemeralFile));
        return Math.Clamp(drive.TotalSize - promised - (image.Exists ? image.Length : 0), 0, drive.AvailableFreeSpace);
    }

    /// <summary>The folders of its volumes, and what each was promised.</summary>
    /// <remarks>A promise whose folder was never made counts for nothing: its volume was given up.</remarks>
    public static IEnumerable<(string Folder, long Bytes)> PromisesOn(string place) =>
        Directory.EnumerateFiles(place, Prefix + "*" + Suffix).Select(file => (Folder: file[..^Suffix.Length], Bytes: BytesIn(file)))
            .Where(promise => Directory.Exists(promise.Folder));

    /// <summary>Whether a fifth or less of it is free: what one volume holds too much of others may miss soon.</summary>
    public static bool IsShort(string place) => new DriveInfo(place) is var drive && drive.AvailableFreeSpace <= drive.TotalSize / 5;

    /// <remarks>Another machine may have written it: no number is so large that many of them are no number any more.</remarks>
    private static long BytesIn(string file)
    {
        try
        {
            return long.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
                ? Math.Min(bytes, MostBytes) : 0;
        }
        // Its volume is deleted just now.
        catch (FileNotFoundException) { return 0; }
    }
}

using System.Diagnostics;
using Operos.Linux;

namespace Operos.Worker.Orders;

/// <summary>
/// What makes people find a disk: the light of its slot, where its enclosure has one that the kernel knows (SES), else its light of
/// activity, by reading in a rhythm.
/// </summary>
/// <param name="Slot">The slot's file <c>locate</c> in sysfs; null where there is none.</param>
/// <param name="Path">The disk's.</param>
internal sealed record DiskLight(string? Slot, string Path)
{
    private const int Read = 64 << 10;
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(400);

    /// <param name="name">Its name in <c>/sys/block</c>.</param>
    /// <param name="sysfs">Another place, for a test.</param>
    public static DiskLight Of(string name, string path, string sysfs = "/sys")
    {
        var device = System.IO.Path.Combine(sysfs, "block", name, "device");
        var slots = Directory.Exists(device) ? Directory.GetDirectories(device, "enclosure_device:*") : [];
        return new(slots.Select(slot => System.IO.Path.Combine(slot, "locate")).FirstOrDefault(File.Exists), path);
    }

    /// <summary>How it is to be seen, for whoever goes there.</summary>
    public string Words => Slot is not null ? "the light of its slot blinks"
        : "its enclosure has no light that the kernel knows: it is read in a rhythm, so that its light of activity blinks about once in "
            + "a second, where it has one and nothing else reads it";

    /// <exception cref="IOException">It cannot be made to.</exception>
    public async Task BlinkAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        if (Slot is null)
        {
            await Task.Factory.StartNew(() => ReadInRhythm(time, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning,
                TaskScheduler.Default).ConfigureAwait(false);
            return;
        }
        await File.WriteAllTextAsync(Slot, "1", cancellationToken).ConfigureAwait(false);
        try { await Task.Delay(time, cancellationToken).ConfigureAwait(false); }
        finally { await File.WriteAllTextAsync(Slot, "0", CancellationToken.None).ConfigureAwait(false); }
    }

    private void ReadInRhythm(TimeSpan time, CancellationToken cancellationToken)
    {
        using var device = BlockDevice.Open(Path);
        var all = Stopwatch.StartNew();
        while (all.Elapsed < time && !cancellationToken.IsCancellationRequested)
        {
            for (var beat = Stopwatch.StartNew(); beat.Elapsed < Beat && !cancellationToken.IsCancellationRequested;)
            {
                // A disk that fails is looked for as well, and perhaps for that.
                try { device.Read(Random.Shared.NextInt64(Math.Max(1, device.Bytes - Read)), Read); }
                catch (IOException) { cancellationToken.WaitHandle.WaitOne(Beat); }
            }
            cancellationToken.WaitHandle.WaitOne(Beat);
        }
    }
}

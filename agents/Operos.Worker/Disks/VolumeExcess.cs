using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Linux.Programs;

namespace Operos.Worker.Disks;

/// <summary>
/// Tells which volumes hold more than their claims asked for. That reads every folder of them, so that only a disk whose others may soon
/// miss the room is measured, once an hour, when nobody else wants the disk.
/// </summary>
internal sealed class VolumeExcess(LocalVolumes volumes, ILogger<VolumeExcess> logger) : BackgroundService
{
    private const int MostTold = 4;
    /// <summary>Of folders' own blocks, which a claim knows nothing of.</summary>
    private const long Slack = 16 << 20;
    private static readonly TimeSpan First = TimeSpan.FromMinutes(10), Every = TimeSpan.FromHours(1), Longest = TimeSpan.FromMinutes(20);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            // A machine that boots has better things to do, and mounts its disks meanwhile.
            await Task.Delay(First, stoppingToken).ConfigureAwait(false);
            while (true)
            {
                var found = await MeasureAsync(stoppingToken).ConfigureAwait(false);
                foreach (var (volume, text) in found)
                    if (!known.Contains(volume)) logger.VolumeExceeds(text);
                known = [.. found.Keys];
                var more = found.Count > MostTold ? $"; and {found.Count - MostTold} more" : "";
                volumes.Excess = found.Count == 0 ? null : string.Join("; ", found.Values.Take(MostTold)) + more;
                await Task.Delay(Every, stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    /// <summary>The volumes that hold too much, by name, in words.</summary>
    internal async Task<SortedDictionary<string, string>> MeasureAsync(CancellationToken cancellationToken)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var place in volumes.Mounted())
        {
            try
            {
                if (!VolumeRoom.IsShort(place)) continue;
                foreach (var (folder, promised) in VolumeRoom.PromisesOn(place))
                    if (await HeldAsync(folder, cancellationToken).ConfigureAwait(false) is var held && held - promised > Slack)
                        found[Path.GetFileName(folder)] = $"volume {Path.GetFileName(folder)} holds {held >> 20} MiB, and its claim asked "
                            + $"for {promised >> 20}: its neighbours on the disk {Path.GetFileName(place)} have less";
            }
            // A disk that fails is told by others, and keeps none of the others from being measured.
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { logger.VolumesNotMeasured(place, e.Message); }
        }
        return found;
    }

    /// <summary>What lies in it, in bytes; what cannot be read, or goes meanwhile, does not count.</summary>
    private static async Task<long> HeldAsync(string folder, CancellationToken cancellationToken)
    {
        // Whoever fills a volume chooses how many files with several names it has, and which go while they are counted: neither is
        // remembered here, nor told.
        string[] arguments = ["--class", "idle", "nice", "-n", "19", "sh", "-c",
            "exec du --summarize --one-file-system --count-links --block-size=1 -- \"$1\" 2> /dev/null", "du", folder];
        var result = await ProgramCall.RunAsync("ionice", arguments, cancellationToken, longest: Longest).ConfigureAwait(false);
        return long.TryParse(result.Output.Split('\t')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes
            : throw new IOException($"du tells nothing of {folder}, and ended with {result.Code}");
    }
}

using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Names;

/// <summary>
/// Keeps on disk what the API server told last: an agent that begins while the API server is away serves that. A damaged file, or a newer
/// version's, is as none.
/// </summary>
internal sealed class KeptNamesFile(string folder, ClusterNames names, ILogger logger)
{
    /// <summary>Of some 300,000 pods: what is more is not kept.</summary>
    private const int MaxBytes = 64 << 20;

    /// <summary>Between two writes: a busy cluster changes all the time.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private readonly string path = Path.Combine(folder, "names.json");
    private NameSnapshot? kept;
    private string? told;

    public void Load()
    {
        try
        {
            if (!File.Exists(path)) return;
            if (new FileInfo(path).Length is var length && length > MaxBytes) throw new IOException($"{path} has {length} bytes");
            if (RecordFile.Read(path, NamesJson.Default.KeptNames, KeptNames.CurrentFormat)?.Read() is not { } before) return;
            names.Restore(before);
            logger.NamesRestored(before.Services.Count);
        }
        catch (JsonException e) { logger.NamesNotRead($"{path} is damaged: {e.Message}"); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { logger.NamesNotRead(e.Message); }
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
                Keep();
            }
        }
        // The next agent begins with what this one knew last.
        finally { Keep(); }
    }

    private void Keep()
    {
        // Half of the names would stand for all.
        if (!names.IsComplete) return;
        var now = names.Snapshot;
        if (IsKept(now)) return;
        try
        {
            var json = JsonSerializer.SerializeToUtf8Bytes(KeptNames.Of(now), NamesJson.Default.KeptNames);
            if (json.Length > MaxBytes) throw new IOException($"they have {json.Length} bytes, at most {MaxBytes} are kept");
            Directory.CreateDirectory(folder, FileModes.PrivateFolder);
            RecordFile.RefuseNewer(path, KeptNames.CurrentFormat);
            AtomicFile.Write(path, json);
            (kept, told) = (now, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
        {
            if (told != e.Message) logger.NamesNotKept(e.Message);
            told = e.Message;
        }
    }

    private bool IsKept(NameSnapshot now) => kept is { } before && before.Services.SequenceEqual(now.Services)
        && before.Endpoints.SequenceEqual(now.Endpoints) && before.Pods.SequenceEqual(now.Pods);
}

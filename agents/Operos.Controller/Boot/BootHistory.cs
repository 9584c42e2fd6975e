using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Operos.Boot;
using Operos.Linux;

namespace Operos.Controller.Boot;

/// <summary>What each machine fetched last, as a record on disk.</summary>
internal sealed record BootHistoryRecord
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
    public required IReadOnlyList<FetchedFile> Fetched { get; init; }
}

/// <param name="LastUnixMs">Milliseconds since 1970.</param>
internal sealed record FetchedFile(string Client, string Path, long Total, long Sent, long LastUnixMs);

/// <summary>Keeps what machines fetched over the agent's end: read when it starts, written while it changes, and when it ends.</summary>
internal sealed class BootHistory(string folder, BootWatch watch, TimeProvider time, ILogger<BootHistory> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);
    private readonly string path = Path.Combine(folder, "boots.json");
    private bool isKept = true;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Recall();
        var kept = Newest;
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (Newest == kept) continue;
            kept = Newest;
            Keep();
        }
        cancellationToken.ThrowIfCancellationRequested();
    }

    private long Newest => watch.Transfers is [var (_, latest), ..] ? latest.LastUnixMs : 0;

    private void Recall()
    {
        try
        {
            var record = File.Exists(path)
                ? RecordFile.Read(path, BootHistoryJson.Default.BootHistoryRecord, BootHistoryRecord.CurrentFormat) : null;
            foreach (var file in record?.Fetched ?? [])
                if (file is { Path: not null } && IPAddress.TryParse(file.Client, out var client))
                    watch.Recall(client, new BootTransfer(file.Path, file.Total, file.Sent, file.LastUnixMs, time));
        }
        // It is no more than a history: the machines boot without it.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            logger.BootsNotRecalled(path, e.Message);
        }
    }

    private void Keep()
    {
        try
        {
            Directory.CreateDirectory(folder, FileModes.PrivateFolder);
            RecordFile.Write(path, new BootHistoryRecord
            {
                Fetched = [.. watch.Transfers.Select(entry => new FetchedFile(entry.Client.ToString(), entry.Transfer.Path,
                    entry.Transfer.Total, entry.Transfer.Sent, entry.Transfer.LastUnixMs))],
            }, BootHistoryJson.Default.BootHistoryRecord, BootHistoryRecord.CurrentFormat);
            isKept = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
        {
            if (isKept) logger.BootsNotKept(path, e.Message);
            isKept = false;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BootHistoryRecord))]
internal sealed partial class BootHistoryJson : JsonSerializerContext;

using Microsoft.Extensions.Logging;
using Operos.Proto;
using Operos.Proto.Connection;
using Operos.Storage.Work;

namespace Operos.Worker.Disks;

/// <summary>Tells the controller of this machine's disks, and asks it for the keys of those that it was told of.</summary>
internal sealed class DiskReporter(DiskBoard board, ILogger<DiskReporter> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), Retry = TimeSpan.FromSeconds(15);

    /// <summary>One at a time: between a report and the question for a key no other report comes.</summary>
    private readonly SemaphoreSlim turn = new(1);
    /// <summary>Of what the controller was told last; empty where that was something else than the board showed.</summary>
    private byte[] told = [];

    /// <summary>Tells what the board shows, once and at each change, as long as the connection lasts.</summary>
    public async Task RunAsync(ControlConnection connection, CancellationToken cancellationToken)
    {
        told = [];
        while (!connection.Completion.IsCompleted)
        {
            var changed = board.Changed;
            try { await TellAsync(connection, cancellationToken).ConfigureAwait(false); }
            catch (ControlFaultException e) when (e.RetryAfterSeconds > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(Math.Min(e.RetryAfterSeconds, Retry.TotalSeconds)), cancellationToken)
                    .ConfigureAwait(false);
                continue;
            }
            // A controller of a version that wants no reports says so each time.
            catch (ControlFaultException e) when (e.Code == FaultCode.BadRequest)
            {
                logger.DisksNotReported(e.Message);
                return;
            }
            catch (Exception e) when (e is IOException or TimeoutException or ControlFaultException)
            {
                logger.DisksNotReported(e.Message);
                await Task.WhenAny(connection.Completion, Task.Delay(Retry, cancellationToken)).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                continue;
            }
            await Task.WhenAny(changed, connection.Completion).WaitAsync(cancellationToken).ConfigureAwait(false);
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The keys of disks' volumes; see <see cref="KeysOf"/>.</summary>
    public async Task<IReadOnlyDictionary<Guid, byte[]>> AskKeysAsync(ControlConnection connection, IReadOnlyList<DiskState> disks,
        IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            told = [];
            await connection.CallAsync<Done>(new ReportDisks { Disks = disks }, cancellationToken).ConfigureAwait(false);
            var given = (await connection.CallAsync<DiskKeys>(new IssueDiskKeys { Disks = [.. ids.Select(id => $"{id}")] },
                cancellationToken).ConfigureAwait(false)).Keys;
            return ids.ToDictionary(id => id, id => given.TryGetValue($"{id}", out var key) ? key
                : throw new StorageException("the controller gave no key of its volumes; it is asked again"));
        }
        catch (Exception e) when (e is IOException and not StorageException or TimeoutException or ControlFaultException)
        {
            throw new StorageException($"no key of its volumes from the controller: {e.Message}; it is asked again", e);
        }
        finally { turn.Release(); }
    }

    /// <summary>What is the same is not told again.</summary>
    private async Task TellAsync(ControlConnection connection, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (board.Disks is not { } disks) return;
            var report = new ReportDisks { Disks = [.. disks.Take(ReportDisks.Most)] };
            var now = report.Digest();
            if (now.AsSpan().SequenceEqual(told)) return;
            await connection.CallAsync<Done>(report, cancellationToken).ConfigureAwait(false);
            told = now;
        }
        finally { turn.Release(); }
    }
}

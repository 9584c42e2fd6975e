using System.Collections.Concurrent;
using Operos.Controller.Machines;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Connections;

/// <summary>A worker's connection and its last word.</summary>
internal sealed class Session(string machine, string bootId, ControlConnection connection)
{
    /// <summary>A heartbeat and when it came: whoever reads one reads the other of the same.</summary>
    private sealed record Word(Heartbeat Beat, DateTimeOffset At);

    private volatile Word? word;

    public string Machine { get; } = machine;
    public string BootId { get; private set; } = bootId;
    public ControlConnection Connection { get; } = connection;
    public DateTimeOffset Opened { get; init; }

    public Heartbeat? Last => word?.Beat;

    /// <summary>When its last heartbeat came.</summary>
    public DateTimeOffset Heard => word?.At ?? default;

    /// <summary>How far its machine's clock was ahead then; null where it does not tell.</summary>
    public TimeSpan? ClockAhead => word is ({ UnixTimeMs: > 0 } beat, var at)
        ? DateTimeOffset.FromUnixTimeMilliseconds(beat.UnixTimeMs) - at : null;

    public void Hear(Heartbeat heartbeat, DateTimeOffset at)
    {
        word = new(heartbeat, at);
        BootId = heartbeat.BootId;
    }

    /// <summary>When its machine was alive for sure: only that has the key.</summary>
    public DateTimeOffset LastSign => Heard > Opened ? Heard : Opened;

    /// <summary>Whether its agent works, which a connection alone does not tell: three heartbeats are due in this time.</summary>
    public bool IsUp(DateTimeOffset now) => now - Heard <= Sessions.LongestSilence;
}

/// <summary>The workers that are connected now.</summary>
internal sealed class Sessions
{
    /// <summary>After so long without a heartbeat a connected machine is not up.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(35);

    private static readonly TimeSpan ProofOfLife = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<string, Session> live = new(StringComparer.Ordinal);

    public Session? Get(string machine) => live.GetValueOrDefault(machine);

    public int Count => live.Count;

    /// <summary>The newest connection of a machine counts; the one before it is closed.</summary>
    public void Open(Session session)
    {
        Session? before = null;
        live.AddOrUpdate(session.Machine, session, (_, old) => { before = old; return session; });
        if (before is not null && before != session) _ = before.Connection.DisposeAsync().AsTask();
    }

    public bool Close(Session session) => live.TryRemove(new(session.Machine, session));

    public async Task CloseAsync(string machine)
    {
        if (live.TryRemove(machine, out var session)) await session.Connection.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Has a machine's agent reboot it.</summary>
    /// <exception cref="RefusedException">It is not connected, or its agent says no.</exception>
    public async Task RebootAsync(string machine, string reason, CancellationToken cancellationToken)
    {
        var session = Get(machine) ?? throw new RefusedException(RefusalKind.Conflict, $"{machine} is not connected",
            "power-cycle it by hand");
        try { await session.Connection.CallAsync<Done>(new Reboot { Reason = reason }, cancellationToken).ConfigureAwait(false); }
        catch (ControlFaultException e) { throw new RefusedException(RefusalKind.Conflict, e.Message, e.Hint); }
    }

    /// <summary>
    /// What signs of life there are of a machine right now: its agent is asked over its session. One that does not answer keeps its
    /// session: it may only be slow.
    /// </summary>
    public async Task<SignsOfLife> ProbeAsync(string machine, CancellationToken cancellationToken)
    {
        if (Get(machine) is not { } session) return default;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(ProofOfLife);
        try
        {
            await session.Connection.CallAsync<Done>(new Ping(), deadline.Token).ConfigureAwait(false);
            return new SignsOfLife(Answers: true, session.LastSign);
        }
        catch (Exception e) when (e is IOException or ControlFaultException) { return new SignsOfLife(Answers: false, session.LastSign); }
        catch (Exception e) when (e is TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new SignsOfLife(Answers: false, session.LastSign, IsOpen: !session.Connection.Completion.IsCompleted);
        }
    }
}

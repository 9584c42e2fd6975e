using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Operos.Proto.Connection;

/// <summary>
/// One long-lived connection on which both sides call. Calls are pipelined; each reply carries its call's number. The connection
/// ends as a whole: on a malformed frame, a silent peer, or <see cref="DisposeAsync"/>; every open call then fails.
/// </summary>
public sealed class ControlConnection : IAsyncDisposable
{
    /// <summary>Largest payload that is read, in bytes.</summary>
    public const int MaxFrame = 4 * 1024 * 1024;

    /// <summary>The peer's requests that are handled at one time; more wait in the socket.</summary>
    private const int MaxConcurrentRequests = 16;

    private readonly Stream stream;
    private readonly int maxFrame;
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<Message>> calls = new();
    private readonly SemaphoreSlim writing = new(1, 1);
    private readonly SemaphoreSlim handling = new(MaxConcurrentRequests, MaxConcurrentRequests);
    private readonly CancellationTokenSource ended = new();
    private readonly TimeSpan callTimeout;
    private Task completion = Task.CompletedTask;
    private uint lastCall;

    private ControlConnection(Stream stream, TimeSpan callTimeout, int maxFrame)
    {
        this.stream = stream;
        this.callTimeout = callTimeout;
        this.maxFrame = maxFrame;
    }

    /// <summary>What the controller said on connecting; null on the controller's side.</summary>
    public HelloReply? Greeting { get; private set; }

    /// <summary>The peer's verified certificate, if it showed one.</summary>
    public X509Certificate2? PeerCertificate { get; private init; }

    /// <summary>Answers the peer's requests. Ping is answered without it.</summary>
    public Func<Message, CancellationToken, ValueTask<Message>>? Handler { get; set; }

    private Action<Message, Exception>? Failed { get; init; }

    /// <summary>Completes when the connection has ended, never with an error.</summary>
    public Task Completion => completion;

    /// <summary>Whether a call failed because the connection ended, and not by its answer.</summary>
    public bool IsEndedBy(Exception failure) =>
        failure is IOException && (failure.InnerException is not null || ended.IsCancellationRequested);

    /// <summary>Wraps a TLS stream whose handshake is done.</summary>
    /// <param name="failed">Told of each request whose handler failed, and how, before the fault is answered: to log it.</param>
    public static ControlConnection Over(
        SslStream stream, TimeSpan callTimeout, int maxFrame, Func<Message, CancellationToken, ValueTask<Message>>? handler,
            Action<Message, Exception>? failed = null)
    {
        var connection = new ControlConnection(stream, callTimeout, maxFrame)
        {
            Handler = handler,
            Failed = failed,
            PeerCertificate = stream.RemoteCertificate as X509Certificate2,
        };
        connection.completion = Task.Run(connection.ReadLoopAsync);
        return connection;
    }

    /// <summary>Connects as a client and exchanges Hello.</summary>
    /// <exception cref="IOException">No connection, or the controller is not of this cluster; the message says which.</exception>
    /// <exception cref="ControlFaultException">The controller refused.</exception>
    public static async Task<ControlConnection> ConnectAsync(ControlClientOptions options, CancellationToken cancellationToken)
    {
        var stream = await ControlTls.ConnectAsync(options, cancellationToken).ConfigureAwait(false);
        var connection = Over(stream, options.CallTimeout, MaxFrame, options.Handler, options.Failed);
        try
        {
            connection.Greeting = await connection.CallAsync<HelloReply>(
                options.Versions.ToHello(options.Agent), cancellationToken).ConfigureAwait(false);
            if (options.Versions.Include(connection.Greeting.ProtocolVersion)) return connection;
            throw new ControlFaultException(new Fault
            {
                Code = FaultCode.Version,
                Text = $"the controller chose protocol version {connection.Greeting.ProtocolVersion}; this program speaks "
                + $"{options.Versions}",
                Hint = "use programs of the controller's release",
            });
        }
        catch (Exception e)
        {
            var refused = options.Certificate is not null && connection.IsEndedBy(e);
            await connection.DisposeAsync().ConfigureAwait(false);
            if (refused) throw new CertificateRefusedException(options.Endpoint);
            throw;
        }
    }

    /// <summary>Sends a request and waits for its reply.</summary>
    /// <exception cref="ControlFaultException">The peer answered with a fault.</exception>
    /// <exception cref="TimeoutException">No answer in time; the connection stays.</exception>
    /// <exception cref="IOException">The connection ended, or the request does not fit into a frame.</exception>
    public async Task<TReply> CallAsync<TReply>(Message request, CancellationToken cancellationToken) where TReply : Message
    {
        var call = Interlocked.Increment(ref lastCall) & 0x7fff_ffff;
        var frame = Frame.Write(call, reply: false, request);
        if (IsTooLarge(frame))
            throw new IOException(
            $"{request.GetType().Name} would be a frame of {frame.Length} bytes; at most {MaxFrame} are allowed: send less");
        var reply = new TaskCompletionSource<Message>(TaskCreationOptions.RunContinuationsAsynchronously);
        calls[call] = reply;
        try
        {
            if (ended.IsCancellationRequested) throw new IOException("the control connection has ended");
            await SendAsync(frame, cancellationToken).ConfigureAwait(false);
            return await reply.Task.WaitAsync(callTimeout, cancellationToken).ConfigureAwait(false) switch
            {
                TReply expected => expected,
                Fault fault => throw new ControlFaultException(fault),
                var other => throw new IOException($"the peer answered {request.GetType().Name} with {other.GetType().Name}"),
            };
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"no answer to {request.GetType().Name} in {callTimeout.TotalSeconds:0} s");
        }
        finally { calls.TryRemove(call, out _); }
    }

    public async ValueTask DisposeAsync()
    {
        await ended.CancelAsync().ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
        await completion.ConfigureAwait(false);
    }

    private async Task ReadLoopAsync()
    {
        var header = new byte[Frame.HeaderSize];
        try
        {
            while (!ended.IsCancellationRequested)
            {
                await stream.ReadExactlyAsync(header, ended.Token).ConfigureAwait(false);
                var (length, call, isReply) = Frame.ReadHeader(header);
                if (length < 1 || length > maxFrame) throw new IOException($"a frame of {length} bytes; 1 to {maxFrame} are allowed");
                var payload = new byte[length];
                await stream.ReadExactlyAsync(payload, ended.Token).ConfigureAwait(false);
                var message = Frame.ReadMessage(payload, ended.Token);
                if (isReply)
                {
                    if (calls.TryGetValue(call, out var waiting))
                        waiting.TrySetResult(message ?? new Fault { Code = FaultCode.Version,
                            Text = "the peer's answer is malformed, or of a newer version" });
                    continue;
                }
                await handling.WaitAsync(ended.Token).ConfigureAwait(false);
                _ = AnswerAsync(call, message);
            }
        }
        catch (Exception e) when (Ends(e)) { }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await stream.DisposeAsync().ConfigureAwait(false);
            foreach (var waiting in calls.Values) waiting.TrySetException(new IOException("the control connection has ended"));
        }
    }

    private async Task AnswerAsync(uint call, Message? request)
    {
        try
        {
            var reply = await ReplyAsync(request).ConfigureAwait(false);
            var frame = Frame.Write(call, reply: true, reply);
            if (IsTooLarge(frame)) frame = Frame.Write(call, reply: true, TooLarge(request, frame.Length));
            await SendAsync(frame, ended.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (Ends(e)) { }
        // Not before the answer is on its way: a peer that asks and does not read would fill the memory with answers.
        finally { handling.Release(); }
    }

    private async Task<Message> ReplyAsync(Message? request)
    {
        try
        {
            return request switch
            {
                null => new Fault { Code = FaultCode.BadRequest, Text = "no such operation, or a malformed request",
                    Hint = "the programs may be of different versions" },
                Ping => new Done { Text = "alive" },
                _ when Handler is { } handler => await handler(request, ended.Token).ConfigureAwait(false),
                _ => new Fault { Code = FaultCode.BadRequest, Text = $"{request.GetType().Name} is not answered here" },
            };
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Failed?.Invoke(request!, e);
            return FaultOf(e);
        }
    }

    private static Fault FaultOf(Exception failure) => failure is ControlFaultException e
        ? new Fault { Code = e.Code, Text = e.Message, Hint = e.Hint, RetryAfterSeconds = e.RetryAfterSeconds }
        : new Fault { Code = FaultCode.Internal, Text = $"{failure.GetType().Name}: {failure.Message}" };

    private static bool IsTooLarge(byte[] frame) => frame.Length - Frame.HeaderSize > MaxFrame;

    private static Fault TooLarge(Message? request, int length) => new()
    {
        Code = FaultCode.TooLarge,
        Text = $"the answer to {request?.GetType().Name} has {length} bytes; a frame holds at most {MaxFrame}",
        Hint = "ask for a part of it: one machine instead of all",
    };

    private async Task SendAsync(byte[] frame, CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // A frame goes out as a whole or the connection ends: what is sent after half of one would be read as its other half.
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ended.Token);
            deadline.CancelAfter(callTimeout);
            await stream.WriteAsync(frame, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!ended.IsCancellationRequested)
        {
            await ended.CancelAsync().ConfigureAwait(false);
            throw new IOException($"the peer has read nothing for {callTimeout.TotalSeconds:0} s: the control connection has ended");
        }
        catch (Exception e) when (e is InvalidOperationException
            or OperationCanceledException) { throw new IOException("the control connection has ended", e); }
        finally { writing.Release(); }
    }

    /// <summary>
    /// An SslStream that is disposed in the moment that a read or a write begins says that it is not authenticated, not that it is
    /// disposed.
    /// </summary>
    private static bool Ends(Exception e) => e is IOException or OperationCanceledException or InvalidOperationException;
}

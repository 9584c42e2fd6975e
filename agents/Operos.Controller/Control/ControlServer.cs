using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Operos.Authority;
using Operos.Boot;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Control;

/// <summary>
/// Accepts control connections: TLS 1.3, a client certificate of this cluster or none. Who shows none that counts is bounded in number and
/// in time.
/// </summary>
internal sealed class ControlServer(IPEndPoint endpoint, CertificateAuthority authority, IPAddress address, Func<ControlPeer> newPeer,
    TimeProvider time, ILogger<ControlServer> logger)
{
    private const int UnauthenticatedFrame = 512 * 1024;
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10), UnauthenticatedLife = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(15), LongestEnd = TimeSpan.FromSeconds(5);

    private readonly ServerCertificate certificate = new(authority, ControlTls.ServerName, address, time);
    private long refused;

    /// <summary>Who is connected and has shown no certificate that counts.</summary>
    public UnauthenticatedConnections Unauthenticated { get; } = new(time);

    public IPEndPoint? Listening { get; private set; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var listener = TcpPort.Listen(endpoint);
        Listening = (IPEndPoint)listener.LocalEndPoint!;
        logger.Listens(Listening);
        var served = new List<Task>();
        try
        {
            await TcpPort.AcceptAsync(listener, client =>
            {
                served.RemoveAll(task => task.IsCompleted);
                served.Add(ServeAsync(client, cancellationToken));
            }, logger, cancellationToken).ConfigureAwait(false);
        }
        // Each writes down when its machine was last seen; nothing is written any more once this has ended.
        finally { await Task.WhenAll(served).WaitAsync(LongestEnd, CancellationToken.None)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); }
    }

    private async Task ServeAsync(Socket socket, CancellationToken cancellationToken)
    {
        using var owned = socket;
        var from = (socket.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        // Whoever has not shown a certificate that counts is unauthenticated. Who has to make room is cut off without lingering.
        using var client = Unauthenticated.Enter(from, () => socket.Close(timeout: 0));
        try
        {
            // Whoever accepts goes on accepting: a handshake whose first bytes are there already would hold it up.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            socket.NoDelay = true;
            ControlTls.KeepAlive(socket);
            await using var stream = new SslStream(new UnauthenticatedStream(socket, client));
            await AuthenticateAsync(socket, client, stream, cancellationToken).ConfigureAwait(false);
            var peer = newPeer();
            var known = stream.RemoteCertificate is X509Certificate2 shown && peer.Recognises(shown);
            if (known) Unauthenticated.Prove(client);
            await using var connection = known
                ? ControlConnection.Over(stream, CallTimeout, ControlConnection.MaxFrame, peer.HandleAsync, peer.Failed)
                : ControlConnection.Over(stream, CallTimeout, UnauthenticatedFrame,
                    (request, token) => client.HandleAsync(() => peer.HandleAsync(request, token)), peer.Failed);
            peer.Attach(connection, from, known);
            try { await connection.Completion.WaitAsync(known ? Timeout.InfiniteTimeSpan : UnauthenticatedLife, cancellationToken)
                .ConfigureAwait(false); }
            catch (TimeoutException) { }
            finally { await peer.DetachAsync().ConfigureAwait(false); }
        }
        catch (Exception e) when (e is IOException or AuthenticationException or SocketException or OperationCanceledException
            or ObjectDisposedException)
        {
            if (!cancellationToken.IsCancellationRequested) Refuse(from, client.MadeRoom ? "it made room for newcomers" : e.Message);
        }
        catch (Exception e) { logger.ConnectionFailed(e, from); }
    }

    private async Task AuthenticateAsync(Socket socket, UnauthenticatedConnection client, SslStream stream,
        CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(HandshakeTimeout);
        // Who says nothing costs no TLS.
        await socket.ReceiveAsync(Memory<byte>.Empty, deadline.Token).ConfigureAwait(false);
        client.Arrived();
        await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate.Current,
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificateRequired = true,
            CertificateChainPolicy = Policy(),
            // None is allowed, for enrolment; a wrong one is not.
            RemoteCertificateValidationCallback = (_, shown, _, errors) => shown is null || errors == SslPolicyErrors.None,
        }, deadline.Token).ConfigureAwait(false);
    }

    private X509ChainPolicy Policy()
    {
        var policy = ControlTls.Policy(authority.Certificate);
        policy.VerificationTime = time.GetUtcNow().LocalDateTime;
        policy.VerificationTimeIgnored = false;
        return policy;
    }

    /// <summary>Counted, and logged at powers of two: a flood must not fill the log.</summary>
    private void Refuse(IPAddress from, string reason)
    {
        var count = Interlocked.Increment(ref refused);
        if (System.Numerics.BitOperations.IsPow2(count) || count % 1024 == 0)
            logger.Refused(from, reason, count);
    }
}

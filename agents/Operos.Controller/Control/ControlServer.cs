using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Operos.Controller.Pki;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Control;

/// <summary>Accepts control connections: TLS 1.3, a client certificate of this cluster or none, bounded in number and in time.</summary>
internal sealed class ControlServer(IPEndPoint endpoint, CertificateAuthority authority, IPAddress address, Func<ControlPeer> newPeer, TimeProvider time, ILogger<ControlServer> logger)
{
    private const int MaxStrangers = 512, MaxStrangersPerAddress = 64, MaxHandshakes = 32;
    private const int StrangerFrame = 512 * 1024;
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10), StrangerLife = TimeSpan.FromSeconds(30), CallTimeout = TimeSpan.FromSeconds(15), ServerRenewal = TimeSpan.FromDays(30), LongestEnd = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim handshakes = new(MaxHandshakes, MaxHandshakes);
    private readonly ConcurrentDictionary<IPAddress, int> strangers = new();
    private SslStreamCertificateContext? certificate;
    private DateTimeOffset certificateMade;
    private int strangerCount;
    private long refused;

    public IPEndPoint? Listening { get; private set; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var listener = TcpPort.Listen(endpoint);
        Listening = (IPEndPoint)listener.LocalEndPoint!;
        logger.LogInformation("Control endpoint listens on {Endpoint}", Listening);
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
        finally { await Task.WhenAll(served).WaitAsync(LongestEnd, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); }
    }

    private async Task ServeAsync(Socket socket, CancellationToken cancellationToken)
    {
        using var owned = socket;
        var from = (socket.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        // Until it has shown a certificate, anybody is a stranger.
        var counted = true;
        var mine = strangers.AddOrUpdate(from, 1, (_, count) => count + 1);
        var all = Interlocked.Increment(ref strangerCount);
        try
        {
            if (all > MaxStrangers || mine > MaxStrangersPerAddress)
            {
                Refuse(from, "too many connections without a certificate");
                return;
            }
            socket.NoDelay = true;
            ControlTls.KeepAlive(socket);
            await using var stream = new SslStream(new NetworkStream(socket, ownsSocket: false));
            await AuthenticateAsync(socket, stream, cancellationToken).ConfigureAwait(false);
            var known = stream.RemoteCertificate is not null;
            if (known) Forget();
            var peer = newPeer();
            await using var connection = ControlConnection.Over(stream, CallTimeout, known ? ControlConnection.MaxFrame : StrangerFrame, peer.HandleAsync);
            peer.Attach(connection, from, known ? CertificateAuthority.ReadHolder(connection.PeerCertificate!) : null);
            var end = known ? Task.Delay(Timeout.Infinite, cancellationToken) : Task.Delay(StrangerLife, cancellationToken);
            await Task.WhenAny(connection.Completion, end).ConfigureAwait(false);
            await peer.DetachAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or AuthenticationException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            if (!cancellationToken.IsCancellationRequested) Refuse(from, e.Message);
        }
        catch (Exception e) { logger.LogError(e, "The control connection from {Client} failed", from); }
        finally { Forget(); }

        void Forget()
        {
            if (!counted) return;
            counted = false;
            Interlocked.Decrement(ref strangerCount);
            if (strangers.AddOrUpdate(from, 0, (_, count) => count - 1) <= 0) strangers.TryRemove(new(from, 0));
        }
    }

    private async Task AuthenticateAsync(Socket socket, SslStream stream, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(HandshakeTimeout);
        // Who says nothing takes no place from those who do: a few silent connections would keep everybody out.
        await socket.ReceiveAsync(Memory<byte>.Empty, deadline.Token).ConfigureAwait(false);
        await handshakes.WaitAsync(deadline.Token).ConfigureAwait(false);
        try
        {
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = CurrentCertificate(),
                EnabledSslProtocols = SslProtocols.Tls13,
                ClientCertificateRequired = true,
                CertificateChainPolicy = Policy(),
                // None is allowed, for enrolment; a wrong one is not.
                RemoteCertificateValidationCallback = (_, shown, _, errors) => shown is null || errors == SslPolicyErrors.None,
            }, deadline.Token).ConfigureAwait(false);
        }
        finally { handshakes.Release(); }
    }

    private X509ChainPolicy Policy()
    {
        var policy = ControlTls.Policy(authority.Certificate);
        policy.VerificationTime = time.GetUtcNow().LocalDateTime;
        policy.VerificationTimeIgnored = false;
        return policy;
    }

    /// <summary>Renewed long before it expires; connections that are open keep theirs.</summary>
    private SslStreamCertificateContext CurrentCertificate()
    {
        lock (handshakes)
        {
            if (certificate is null || time.GetUtcNow() - certificateMade > ServerRenewal)
            {
                certificate = SslStreamCertificateContext.Create(authority.IssueServer(address), [authority.Certificate], offline: true);
                certificateMade = time.GetUtcNow();
            }
            return certificate;
        }
    }

    /// <summary>Counted, and logged at powers of two: a flood must not fill the log.</summary>
    private void Refuse(IPAddress from, string reason)
    {
        var count = Interlocked.Increment(ref refused);
        if (System.Numerics.BitOperations.IsPow2(count) || count % 1024 == 0) logger.LogWarning("Refused a control connection from {Client}: {Reason} ({Count} refused so far)", from, reason, count);
    }
}

using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Operos.Authority;

namespace Operos.Proto.Connection;

/// <summary>How a client connects.</summary>
public sealed record ControlClientOptions
{
    public required IPEndPoint Endpoint { get; init; }

    /// <summary>The cluster's CA: the only one that is trusted.</summary>
    public required X509Certificate2 CertificateAuthority { get; init; }
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Program and version.</summary>
    public required string Agent { get; init; }
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Accept a certificate that is sound but for its dates: for a machine whose clock was never set. The CA's key still proves
    /// the peer, whose greeting then tells the time.
    /// </summary>
    public bool TolerateClock { get; init; }
    public Func<Message, CancellationToken, ValueTask<Message>>? Handler { get; init; }

    /// <summary>Told of each request of the controller's whose handler failed, and how: to log it.</summary>
    public Action<Message, Exception>? Failed { get; init; }
    public ProtocolVersions Versions { get; init; } = ProtocolVersions.Spoken;
}

/// <summary>TLS 1.3 by the cluster's own CA alone (RFC 8446, RFC 5280), the same rules on both sides.</summary>
public static class ControlTls
{
    /// <summary>The name in the controller's certificate: clients check it at whatever address they connect to.</summary>
    public const string ServerName = "operos-controller";

    /// <summary>Builds a chain to the one CA, without asking the network.</summary>
    public static X509ChainPolicy Policy(X509Certificate2 authority, bool tolerateClock = false) =>
        CertificateChain.Policy([authority], tolerateClock);

    internal static async Task<SslStream> ConnectAsync(ControlClientOptions options, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(options.ConnectTimeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SslStream? stream = null;
        try
        {
            await socket.ConnectAsync(options.Endpoint, timeout.Token).ConfigureAwait(false);
            KeepAlive(socket);
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = ServerName,
                EnabledSslProtocols = SslProtocols.Tls13,
                CertificateChainPolicy = Policy(options.CertificateAuthority, options.TolerateClock),
                ClientCertificateContext = options.Certificate is null
                    ? null : SslStreamCertificateContext.Create(options.Certificate, null, offline: true),
            }, timeout.Token).ConfigureAwait(false);
            return stream;
        }
        catch (Exception e)
        {
            if (stream is not null) await stream.DisposeAsync().ConfigureAwait(false);
            socket.Dispose();
            throw e switch
            {
                AuthenticationException =>
                    new IOException(
                    $"the controller at {options.Endpoint} is not trusted: its certificate is not of this cluster, or a clock is wrong "
                    + $"(now {DateTime.UtcNow:u}); {e.Message}", e),
                OperationCanceledException when !cancellationToken.IsCancellationRequested =>
                    new ControllerUnreachableException(
                    $"the controller at {options.Endpoint} did not answer in {options.ConnectTimeout.TotalSeconds:0} s"),
                SocketException refused =>
                    new ControllerUnreachableException($"the controller at {options.Endpoint} cannot be reached: {e.Message}", e)
                    { HasNoListener = refused.SocketErrorCode == SocketError.ConnectionRefused },
                IOException => new ControllerUnreachableException(
                    $"the controller at {options.Endpoint} hung up during the handshake: it restarts, or is overloaded", e)
                    { HungUp = true },
                _ => e,
            };
        }
    }

    /// <summary>Milliseconds; linux/tcp.h, tcp(7).</summary>
    private const int TCP_USER_TIMEOUT = 18;

    /// <summary>A peer that lost its power sends no FIN: find out within half a minute.</summary>
    public static void KeepAlive(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 15);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
        // Where something was sent that nobody acknowledges, TCP sends it again for a quarter of an hour and does not probe.
        socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TCP_USER_TIMEOUT, BitConverter.GetBytes(30_000));
    }
}

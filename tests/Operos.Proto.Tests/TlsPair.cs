using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Operos.Proto.Tests;

/// <summary>Both ends of a real TLS connection on loopback.</summary>
internal sealed class TlsPair : IAsyncDisposable
{
    private TlsPair(SslStream server, SslStream client) => (Server, Client) = (server, client);

    public SslStream Server { get; }
    public SslStream Client { get; }

    public static async Task<TlsPair> ConnectAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=pair", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var dialled = new TcpClient();
        await dialled.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        var accepted = await listener.AcceptTcpClientAsync();
        var pair = new TlsPair(new SslStream(accepted.GetStream()), new SslStream(dialled.GetStream()));
        var client = new SslClientAuthenticationOptions { TargetHost = "pair",
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=pair" };
        await Task.WhenAll(pair.Server.AuthenticateAsServerAsync(certificate), pair.Client.AuthenticateAsClientAsync(client));
        return pair;
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
    }
}

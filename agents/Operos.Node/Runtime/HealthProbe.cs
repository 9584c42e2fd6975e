using System.Net.Sockets;

namespace Operos.Node.Runtime;

/// <summary>Asks a service on loopback whether it works.</summary>
internal sealed class HealthProbe : IDisposable
{
    public const string Kubelet = "http://127.0.0.1:10248/healthz", KubeProxy = "http://127.0.0.1:10256/healthz";
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false })
        { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>Null where it does, else why not.</summary>
    public async Task<string?> AskAsync(string address, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(address), HttpCompletionOption.ResponseHeadersRead,
                cancellationToken).ConfigureAwait(false);
            return answer.IsSuccessStatusCode ? null : $"its health check answers {(int)answer.StatusCode}";
        }
        catch (HttpRequestException) { return "its health check does not answer yet"; }
        catch (OperationCanceledException) when (
            !cancellationToken.IsCancellationRequested) { return "its health check did not answer within 5 s"; }
    }

    /// <summary>Whether somebody listens on a UNIX socket.</summary>
    public static async Task<bool> ListensAsync(string path, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try { await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false); }
        catch (SocketException) { return false; }
        return true;
    }

    public void Dispose() => http.Dispose();
}

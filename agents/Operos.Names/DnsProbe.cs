using System.Net;
using System.Net.Sockets;

namespace Operos.Names;

/// <summary>Asks a name server whether it answers at all, as its clients do: its health.</summary>
/// <param name="open">Makes a socket where the server runs.</param>
internal sealed class DnsProbe(IPEndPoint server, Func<SocketType, Socket> open)
{
    // A question about the server itself (RFC 4892): refused or not, it is answered without asking anybody.
    private const string Name = "version.bind";
    private const int TXT = 16, CH = 3;
    private readonly DnsQuestion question = new(server, open);

    /// <summary>Null where it answers, else the words for that.</summary>
    public async Task<string?> AskAsync(CancellationToken cancellationToken) =>
        await question.AskAsync(Name, TXT, CH, cancellationToken).ConfigureAwait(false) is null ? "does not answer" : null;
}

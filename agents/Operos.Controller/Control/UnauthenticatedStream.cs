using System.Net.Sockets;

namespace Operos.Controller.Control;

/// <summary>The socket of a connection that has shown no certificate that counts: it tells how long its bytes are waited for.</summary>
internal sealed class UnauthenticatedStream(Socket socket, UnauthenticatedConnection connection) : NetworkStream(socket, ownsSocket: false)
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        connection.Wait();
        try { return await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false); }
        finally { connection.Arrived(); }
    }
}

using System.Net.Sockets;

namespace Operos.Controller.Control;

/// <summary>A stranger's socket that tells how long its bytes are waited for.</summary>
internal sealed class StrangerStream(Socket socket, Stranger stranger) : NetworkStream(socket, ownsSocket: false)
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        stranger.Wait();
        try { return await base.ReadAsync(buffer, cancellationToken).ConfigureAwait(false); }
        finally { stranger.Arrived(); }
    }
}

using Operos.Boot;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>The boot server's transfers as <c>operosctl boots</c> shows them.</summary>
internal static class BootViews
{
    /// <param name="macOf">The hardware address behind an address; null where it is not known.</param>
    public static BootList List(BootWatch watch, Func<string, string?> macOf) => new()
    {
        Boots = [.. watch.Transfers.Select(entry => Describe(entry.Transfer, entry.Client.ToString(), macOf(entry.Client.ToString())))],
    };

    private static BootProgress Describe(BootTransfer transfer, string address, string? mac)
    {
        var parts = transfer.Path.Split('/');
        return new BootProgress
        {
            Address = address, Mac = mac, File = parts[^1],
            BytesSent = transfer.Sent, BytesTotal = transfer.Total, LastUnixMs = transfer.LastUnixMs,
            Release = parts is ["", "releases", var version, _] ? version : null,
        };
    }
}

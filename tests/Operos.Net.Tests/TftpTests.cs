using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Operos.Net.Tests;

/// <summary>Loaders over TFTP (RFC 1350, 2347 to 2349) as firmware asks for them.</summary>
[Collection(Lanes.Boot)]
public sealed class TftpTests
{
    private static readonly IPEndPoint Server = new(IPAddress.Parse("10.77.0.1"), 69);

    [Fact]
    public async Task Block_sizes_are_clamped_their_absence_accepted_and_a_probe_may_be_dropped()
    {
        await using var service = await BootService.StartAsync();
        Assert.Contains("blksize\01468\0", Ask(service, "lpxelinux.0", "blksize", "8192").Text, StringComparison.Ordinal);
        var plain = Ask(service, "lpxelinux.0");
        Assert.Equal((3, 516), (plain.Opcode, plain.Length));
        // Firmware asks for the size first and then goes away; the next request is served all the same.
        Assert.Contains("tsize\0" + new FileInfo(Path.Combine(
            Path.GetDirectoryName(service.Controller.LogPath)!, "run/tftp/lpxelinux.0")).Length,
            Ask(service, "lpxelinux.0", "tsize", "0").Text, StringComparison.Ordinal);
        Assert.Equal(6, Ask(service, "shimx64.efi", "blksize", "1468", "windowsize", "4").Opcode);
        Assert.Equal(5, Ask(service, "../setup/state/pki/ca.key").Opcode);
        Assert.Equal(5, Ask(service, "no-such-file").Opcode);
    }

    private static (int Opcode, int Length, string Text) Ask(BootService service, string file, params string[] options)
    {
        using var socket = service.Client.Open(SocketType.Dgram);
        socket.SendTo([0, 1, .. Encoding.ASCII.GetBytes(string.Join('\0', [file, "octet", .. options]) + "\0")], Server);
        var buffer = new byte[2000];
        var length = socket.Receive(buffer);
        return (buffer[1], length, Encoding.Latin1.GetString(buffer, 2, length - 2));
    }
}

using System.Text;
using Operos.Lab;

namespace Operos.Net.Tests;

[Collection(Lanes.Boot)]
public sealed class DhcpTests
{
    /// <summary>What firmware in the field sends, and the loader it must get.</summary>
    public sealed record Client(string Name, byte[][] Options, string Loader)
    {
        public override string ToString() => Name;
    }

    private static readonly byte[] Pxe = Dhcp.Vendor("PXEClient:Arch:00000:UNDI:002001");

    private static readonly Client[] Clients =
    [
        new("BIOS", [Pxe, Dhcp.Option(93, 0, 0)], "lpxelinux.0"),
        new("UEFI x64 as 7", [Pxe, Dhcp.Option(93, 0, 7)], "shimx64.efi"),
        new("UEFI x64 as 9", [Pxe, Dhcp.Option(93, 0, 9)], "shimx64.efi"),
        new("UEFI HTTP", [Dhcp.Vendor("HTTPClient:Arch:00016:UNDI:003001"), Dhcp.Option(93, 0, 16)],
            "http://10.77.0.1:7480/boot/efi/shimx64.efi"),
        new("32-bit UEFI", [Pxe, Dhcp.Option(93, 0, 6)], ""),
        new("no option 93", [Pxe], "lpxelinux.0"),
        new("no option at all", [], "lpxelinux.0"),
        new("option 93 of one byte", [Pxe, Dhcp.Option(93, 0)], "lpxelinux.0"),
        new("option 93 as a list", [Pxe, Dhcp.Option(93, 0, 7, 0, 16)], "shimx64.efi"),
        new("option 97 of zeros", [Pxe, Dhcp.Option(93, 0, 7), Dhcp.Option(97, new byte[17])], "shimx64.efi"),
        new("option 77 as plain text", [Pxe, Dhcp.Option(93, 0, 7), Dhcp.Option(77, Encoding.ASCII.GetBytes("iPXE"))], "shimx64.efi"),
        new("option 77 with lengths", [Pxe, Dhcp.Option(93, 0, 7), Dhcp.Option(77, [4, .. Encoding.ASCII.GetBytes("iPXE")])],
            "shimx64.efi"),
        new("option 52, overload", [Pxe, Dhcp.Option(93, 0, 7), Dhcp.Option(52, 3)], "shimx64.efi"),
    ];

    [Fact]
    public async Task Each_firmware_gets_its_loader_and_what_is_odd_does_no_harm()
    {
        await using var service = await BootService.StartAsync();
        using var socket = service.Client.OpenDhcp();
        foreach (var client in Clients)
        {
            var offer = Dhcp.AskAgain(socket, 1, client.Options);
            Assert.True(offer is not null, $"{client}: no offer");
            Assert.True(offer.File == client.Loader, $"{client}: got '{offer.File}'");
            // A PXELINUX finds its menu by name, and begins again by itself where it does not (RFC 5071).
            Assert.Equal(client.Loader == "lpxelinux.0", offer.Options.TryGetValue(209, out var menu)
                && Encoding.ASCII.GetString(menu) == "pxelinux.cfg/default");
            Assert.Equal(client.Loader == "lpxelinux.0", offer.Options.TryGetValue(211, out var seconds) && seconds is [0, 0, 0, 20]);
            Assert.StartsWith("10.77.0.1", offer.Address.ToString(), StringComparison.Ordinal);
            if (client.Name == "32-bit UEFI")
                await Wait.UntilAsync("the controller warns of it", Worker.Soon,
                    async () => (await File.ReadAllTextAsync(service.Controller.LogPath))
                    .Contains("52:54:00:cc:00:01 asks to boot by 32-bit UEFI", StringComparison.Ordinal), service.Controller.LogPath);
            Assert.Equal(client.Name == "UEFI HTTP", offer.Options.TryGetValue(60, out var vendor)
                && Encoding.ASCII.GetString(vendor) == "HTTPClient");
        }
    }

    [Fact]
    public async Task A_lease_is_shown_to_the_operator_and_a_killed_dnsmasq_serves_again()
    {
        await using var service = await BootService.StartAsync();
        using var socket = service.Client.OpenDhcp();
        var offer = Dhcp.AskAgain(socket, 1)!;
        var acknowledged = Dhcp.AskAgain(socket, 3, Dhcp.Option(50, offer.Address.GetAddressBytes()),
            Dhcp.Option(54, [10, 77, 0, 1]))!;
        Assert.Equal(5, acknowledged.Type);
        Assert.Contains(offer.Address.ToString(), await service.Controller.CtlAsync(["leases"], default), StringComparison.Ordinal);

        await Operos.Lab.Shell.RunAsync("pkill", ["-KILL", "-f", $"conf-file={service.Folder.OpenPath("run")}"], default);
        await Wait.UntilAsync("dnsmasq serves again", Worker.Soon, () => Task.FromResult(Dhcp.Ask(socket, 1) is not null),
            service.Controller.LogPath);
        await Wait.UntilAsync("the operator is told so", Worker.Soon, async () => (await service.Controller.CtlAsync(["status"], default))
            .Contains("dnsmasq    ok", StringComparison.Ordinal), service.Controller.LogPath);
        Assert.Contains(offer.Address.ToString(), await service.Controller.CtlAsync(["leases"], default), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dnsmasq_is_a_user_of_its_own_with_the_rights_of_its_sockets_alone()
    {
        await using var service = await BootService.StartAsync();
        var process = (await Operos.Lab.Shell.RunAsync("pgrep", ["-f", $"conf-file={service.Folder.OpenPath("run")}"], default)).Trim();
        var status = File.ReadLines($"/proc/{process}/status").Select(line => line.Split('\t'))
            .ToDictionary(words => words[0].TrimEnd(':'), words => words[1..]);
        var user = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Single(words => words[0] == "dnsmasq")[2];
        Assert.Equal([user, user, user, user], status["Uid"]);
        Assert.DoesNotContain("0", status["Gid"]);
        Assert.DoesNotContain("0", status["Groups"][0].Split(' '));
        // capabilities(7): CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW; none to read others' files.
        const ulong Sockets = (1UL << 10) | (1UL << 12) | (1UL << 13);
        foreach (var set in (string[])["CapEff", "CapPrm", "CapInh", "CapAmb"])
            Assert.Equal(0UL, Convert.ToUInt64(status[set][0], 16) & ~Sockets);
    }

    [Fact]
    public async Task Proxy_offers_a_loader_and_no_address()
    {
        await using var service = await BootService.StartAsync("proxy");
        using var socket = service.Client.OpenDhcp();
        var offer = Dhcp.AskAgain(socket, 1, Pxe, Dhcp.Option(93, 0, 0), Dhcp.Option(97, new byte[17]))!;
        Assert.Equal("0.0.0.0", offer.Address.ToString());
        Assert.Equal("lpxelinux.0", offer.File);
        Assert.Null(Dhcp.Ask(socket, 1));
    }

    [Fact]
    public async Task Off_answers_nobody()
    {
        await using var service = await BootService.StartAsync("off");
        using var socket = service.Client.OpenDhcp();
        Assert.Null(Dhcp.Ask(socket, 1, Pxe, Dhcp.Option(93, 0, 0)));
    }
}

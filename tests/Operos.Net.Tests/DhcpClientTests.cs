using System.Net;
using Operos.Init.Network;
using Operos.Lab;
using Operos.Linux;
using static Operos.Net.Tests.DhcpReply;

namespace Operos.Net.Tests;

/// <summary>PID 1's DHCP client against the real dnsmasq, and against servers that are broken or mean harm.</summary>
[Collection(Lanes.Clients)]
public sealed class DhcpClientTests
{
    /// <summary>What a server sends to a DISCOVER, or to a REQUEST, before it behaves; given the client's packet.</summary>
    /// <param name="Once">Only to the first REQUEST.</param>
    internal sealed record Case(string Name, Func<byte[], byte[][]>? Offers = null, Func<byte[], byte[][]>? Answers = null,
        bool Once = false)
    {
        public override string ToString() => Name;
    }

    private const string Bad = "10.77.0.66";
    private const int MostTries = 8;

    private static readonly Case[] Cases =
    [
        new("silence to a discover", _ => []),
        new("wrong transaction", packet => [Write(packet, Offer, Bad, Server, Mask).With(4, 1, 2, 3, 4)]),
        new("wrong MAC", packet => [Write(packet, Offer, Bad, Server, Mask).With(28, 2, 0, 0, 0, 0, 9)]),
        new("wrong sort of hardware address", packet => [
            Write(packet, Offer, Bad, Server, Mask).With(1, 32), Write(packet, Offer, Bad, Server, Mask).With(2, 16)]),
        new("a request for a reply", packet => [Write(packet, Offer, Bad, Server, Mask).With(0, 1)]),
        new("wrong cookie", packet => [Write(packet, Offer, Bad, Server, Mask).With(236, 0)]),
        new("cut before the cookie", packet => [Write(packet, Offer, Bad, Server, Mask)[..100],
            Write(packet, Offer, Bad, Server, Mask)[..239], [], [2]]),
        new("cut in an option", packet => [Write(packet, Offer, Bad, Server, Mask)[..254]]),
        new("option longer than the packet", packet => [Raw(packet, Bad, [53, 1, Offer, .. Server, .. Mask, 3, 250, .. new byte[60]])]),
        new("a length without a value at the end", packet => [Raw(packet, Bad, [53, 1, Offer, .. Server, .. Mask, .. new byte[60], 3])]),
        new("no type", packet => [Raw(packet, Bad, [.. Server, .. Mask, 255])]),
        new("type of two bytes, of none, unknown", packet => [
            Raw(packet, Bad, [53, 2, Offer, 0, .. Server, .. Mask, 255]), Raw(packet, Bad, [53, 0, .. Server, .. Mask, 255]),
            Write(packet, 99, Bad, Server, Mask)]),
        new("ACK that nobody asked for", packet => [Write(packet, Ack, Bad, Server, Mask)]),
        new("NAK to a discover", packet => [Write(packet, Nak, Bad, Server)]),
        new("no server id", packet => [Write(packet, Offer, Bad, Mask)]),
        new("server id of two bytes", packet => [Write(packet, Offer, Bad, Dhcp.Option(54, 10, 77), Mask)]),
        new("no mask", packet => [Write(packet, Offer, Bad, Server)]),
        new("mask with a hole", packet => [Write(packet, Offer, Bad, Server, Dhcp.Option(1, 255, 0, 255, 0))]),
        new("mask of zeros", packet => [Write(packet, Offer, Bad, Server, Dhcp.Option(1, 0, 0, 0, 0))]),
        new("mask of three bytes", packet => [Write(packet, Offer, Bad, Server, Dhcp.Option(1, 255, 255, 255))]),
        new("address none, loopback, multicast, broadcast",
            packet => [.. ((string[])["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"])
            .Select(address => Write(packet, Offer, address, Server, Mask))]),
        new("first and last address of the net", packet => [
            Write(packet, Offer, "10.77.0.0", Server, Mask), Write(packet, Offer, "10.77.0.255", Server, Mask)]),
        new("overload that points to itself, without what is needed",
            packet => [Write(packet, Offer, Bad, Dhcp.Option(52, 3)).With(108, 52, 1, 3, 52, 1, 3).With(44, 52, 1, 3)]),
        new("overload with broken fields", packet => [Write(packet, Offer, Bad, Server, Mask, Dhcp.Option(52, 1)).With(108, 3, 200),
            Write(packet, Offer, Bad, Server, Mask, Dhcp.Option(52, 2)).With(44, 3, 63)]),
        new("overload of two bytes", packet => [Write(packet, Offer, Bad, Dhcp.Option(52, 3, 3), Mask)]),
        new("giant packets", packet => [Write(packet, Offer, Bad, Mask, new byte[9000]),
            Write(packet, Offer, Bad, Mask, Repeat(60_000, 12))]),
        new("thousands of empty options", packet => [Raw(
            packet, Bad, [.. Enumerable.Range(0, 600).SelectMany(number => (byte[])[(byte)(number % 250 + 1), 0])])]),
        new("noise", packet => [.. Enumerable.Range(0, 100).Select(seed => Noise(packet, seed))]),
        new("a flood", packet => [.. Enumerable.Repeat(Write(packet, Offer, Bad, Server), 300)]),
        new("silence to a request", Answers: _ => []),
        new("NAK after the offer", Answers: packet => [Write(packet, Nak, "0.0.0.0", Server)], Once: true),
        new("NAK of another server", Answers: packet => [Write(packet, Nak, "0.0.0.0", OtherServer), Write(packet, Nak, "0.0.0.0")]),
        new("ACK of another server", Answers: packet => [Write(packet, Ack, Bad, OtherServer, Mask)]),
        new("ACK without server id", Answers: packet => [Write(packet, Ack, Bad, Mask)]),
        new("ACK of another address", Answers: packet => [Write(packet, Ack, Bad, Server, Mask)]),
        new("ACK without mask, with a bad mask", Answers: packet => [
            Write(packet, Ack, HostileDhcpServer.Good, Server),
            Write(packet, Ack, HostileDhcpServer.Good, Server, Dhcp.Option(1, 0, 255, 0, 0))]),
        new("second offer for an ACK", Answers: packet => [Write(packet, Offer, Bad, Server, Mask)]),
        new("giant ACK", Answers: packet => [Write(packet, Ack, Bad, Server, Mask, new byte[9000])]),
    ];

    [Fact]
    public async Task Whatever_a_server_sends_no_bad_address_is_taken_and_the_good_one_is_at_last()
    {
        using var folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), "net-hostile-dhcp");
        var network = await LabNetwork.CreateAsync(folder, null, default);
        var (client, server) = (await ClientHost.CreateAsync(folder, network), await ClientHost.CreateAsync(folder, network, 1));
        var nic = Nic(folder);
        foreach (var scenario in Cases)
        {
            DhcpMessage? lease = null;
            using var hostile = new HostileDhcpServer(server, scenario);
            for (var attempt = 0; attempt < MostTries && lease is null; attempt++)
                lease = client.Run(() => DhcpClient.Acquire(nic, TimeSpan.FromMilliseconds(500), (ushort)attempt));
            Assert.True(lease is not null, $"{scenario}: no address after {hostile.Discovers} tries");
            Assert.True(lease.Address.ToString() == HostileDhcpServer.Good, $"{scenario}: took {lease.Address}");
            Assert.Equal("255.255.255.0", lease.Mask!.ToString());
            Assert.True(hostile.Requested.All(address => address == HostileDhcpServer.Good),
                $"{scenario}: asked for {string.Join(", ", hostile.Requested)}");
            Assert.True(hostile.Discovers > 1, $"{scenario}: the first try cannot have worked");
        }
    }

    [Fact]
    public async Task The_controller_s_dnsmasq_gives_an_address_and_the_same_one_again()
    {
        await using var service = await BootService.StartAsync();
        var nic = Nic(service.Folder);
        var lease = service.Client.Run(() => DhcpClient.Acquire(nic, TimeSpan.FromSeconds(4), 0));
        Assert.NotNull(lease);
        Assert.StartsWith("10.77.0.1", lease.Address.ToString(), StringComparison.Ordinal);
        Assert.Equal(("255.255.255.0", NativeController.Address, null, 3600u),
            (lease.Mask!.ToString(), lease.ServerIdentifier!.ToString(), (IPAddress?)lease.Gateway, lease.LeaseSeconds));
        Assert.Equal(lease.Address, service.Client.Run(() => DhcpClient.Acquire(nic, TimeSpan.FromSeconds(4), 9))?.Address);
        Assert.Single((await service.Controller.CtlAsync(["leases"], default)).Split('\n'),
            line => line.Contains(lease.Address.ToString(), StringComparison.Ordinal));
    }

    /// <summary>
    /// A thread that moved to another network namespace still sees its old sysfs: the MAC is told by a file like the kernel's.
    /// </summary>
    private static NetworkInterface Nic(LabFolder folder)
    {
        Directory.CreateDirectory(folder["sys/class/net/eth0"]);
        File.WriteAllText(folder["sys/class/net/eth0/address"], "52:54:00:cc:00:01\n");
        return new NetworkInterface("eth0", folder["sys"]);
    }

    private static byte[] Repeat(int length, byte code) =>
        [.. Enumerable.Range(0, length / 202).SelectMany(_ => Dhcp.Option(code, new byte[200]))];

    /// <summary>The head of a sound reply with random options.</summary>
    private static byte[] Noise(byte[] packet, int seed)
    {
        var bytes = new byte[new Random(seed).Next(1, 400)];
        new Random(seed).NextBytes(bytes);
        return Raw(packet, Bad, bytes);
    }
}

using System.Net;
using CsCheck;
using Operos.Names;

namespace Operos.Controller.Tests;

public sealed class DnsNameTests
{
    [Theory]
    [InlineData("10.77.0.0/24", 1, "0.77.10.in-addr.arpa")]
    [InlineData("10.10.0.0/16", 1, "10.10.in-addr.arpa")]
    [InlineData("10.96.0.0/12", 16, "111.10.in-addr.arpa")]
    [InlineData("192.168.4.8/30", 4, "11.4.168.192.in-addr.arpa")]
    [InlineData("127.0.0.0/8", 1, "127.in-addr.arpa")]
    [InlineData("fd00:11::/64", 1, "0.0.0.0.0.0.0.0.1.1.0.0.0.0.d.f.ip6.arpa")]
    [InlineData("fd00:11::/62", 4, "3.0.0.0.0.0.0.0.1.1.0.0.0.0.d.f.ip6.arpa")]
    public void A_network_has_reverse_zones_of_its_own(string network, int count, string last)
    {
        var zones = DnsName.ReverseZones(IPNetwork.Parse(network)).ToList();
        Assert.Equal((count, last), (zones.Count, zones[^1]));
    }

    [Fact]
    public void Each_address_of_a_network_is_in_just_one_of_its_zones_and_no_other_address_is() =>
        Gen.Select(Gen.UInt, Gen.UInt, Gen.Int[8, 30]).Sample((first, second, prefix) =>
        {
            var network = new IPNetwork(Address(first & (uint.MaxValue << (32 - prefix))), prefix);
            var zones = DnsName.ReverseZones(network).ToList();
            foreach (var address in new[] { Address(first), Address(second) })
                Assert.Equal(network.Contains(address) ? 1 : 0, zones.Count(zone => ZonePlan.IsWithin(DnsName.Reverse(address), zone)));
        });

    [Theory]
    [InlineData("nameserver 10.0.0.1\nnameserver 10.77.0.1\n nameserver\t10.0.0.2 \nnameserver ::1\n#nameserver 10.0.0.3\n"
        + "search nameserver", "10.0.0.1 10.77.0.1 10.0.0.2")]
    [InlineData("", "")]
    public void Servers_are_read_from_resolv_conf(string text, string servers) =>
        Assert.Equal(servers, string.Join(' ', Upstream.Parse(text.Split('\n'))));

    [Theory]
    [InlineData("10.0.0.1 10.77.0.1 10.11.0.10", "10.0.0.9", "10.0.0.1", "10.77.0.1 10.11.0.10")]
    [InlineData("10.11.0.10", "10.77.0.1 10.0.0.9", "10.0.0.9", "10.11.0.10")]
    [InlineData("", "10.77.0.1 10.0.0.9", "10.0.0.9", "")]
    public void What_is_this_name_server_itself_is_not_asked_and_told_where_the_configuration_names_it(string configured, string machines,
        string servers, string ourselves)
    {
        var found = Upstream.Find(Addresses(configured), Addresses(machines), Addresses("10.77.0.1 127.0.53.1 10.11.0.10"));
        Assert.Equal((servers, ourselves), (string.Join(' ', found.Servers), string.Join(' ', found.Ourselves)));
    }

    private static IReadOnlyList<IPAddress> Addresses(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(IPAddress.Parse)];

    private static IPAddress Address(uint number) => new([(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number]);
}

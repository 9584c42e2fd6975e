using System.Net;
using System.Text;
using Operos.Controller.Configuration;
using Operos.Linux.Clock;

namespace Operos.Controller.Tests;

/// <summary>Whose time the controller keeps, as its operator says it, and what chronyd says of that.</summary>
public sealed class TimeTests
{
    private const string Sound = "[network]\naddress = \"10.77.0.1/24\"\n[dhcp]\nmode = \"off\"\n";

    [Theory]
    [InlineData("\"10.77.0.2\"", "a list of texts is expected")]
    [InlineData("[\"10.77.0.1\"]", "holds the controller's own address 10.77.0.1, which would ask itself")]
    [InlineData("[\"10.77.0.02\"]", "10.77.0.02 has a number that begins with 0")]
    [InlineData("[\"2001:db8::1\"]", "is IPv6, which is not served here")]
    [InlineData("[\"224.0.1.1\"]", "224.0.1.1 is no address that a machine can have")]
    [InlineData("[\"127.0.0.1\"]", "127.0.0.1 is no address that a machine can have")]
    [InlineData("[\"10.77.0.255\"]", "10.77.0.255 is the broadcast address of the network 10.77.0.0/24")]
    [InlineData("[\"10.77.0.2 key 1\"]", "IPv4 addresses and DNS names in lower case are expected")]
    [InlineData("[\"time.example\\nallow 0.0.0.0/0\"]", "IPv4 addresses and DNS names in lower case are expected")]
    [InlineData("[\"\"]", "IPv4 addresses and DNS names in lower case are expected")]
    [InlineData("[\"10\"]", "IPv4 addresses and DNS names in lower case are expected")]
    [InlineData("[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\"]", "names 9 servers: 8 at most are expected")]
    public void A_time_server_that_cannot_be_one_is_refused(string servers, string problem) =>
        Assert.Contains($"c:6: time.servers: {problem}", Assert.Throws<ConfigurationException>(
            () => SettingsReader.Read("c", $"{Sound}[time]\nservers = {servers}\n")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_time_server_s_address_is_given_to_no_machine() =>
        Assert.Contains("dhcp.range: holds the time server 10.77.0.150", Assert.Throws<ConfigurationException>(
            () => SettingsReader.Read("c", "[network]\naddress = \"10.77.0.1/24\"\n[dhcp]\nrange = [\"10.77.0.100\", \"10.77.0.200\"]\n"
            + "[time]\nservers = [\"10.77.0.150\"]\n")).Message, StringComparison.Ordinal);

    [Fact]
    public void Servers_are_asked_as_they_are_named_and_none_is_none()
    {
        Assert.Null(SettingsReader.Read("c", Sound).TimeServers);
        Assert.Empty(SettingsReader.Read("c", Sound + "[time]\nservers = []\n").TimeServers!);
        var settings = SettingsReader.Read("c", Sound + "[time]\nservers = [\"192.0.2.1\", \"time.example\", \"192.0.2.1\"]\n");
        var lines = Encoding.ASCII.GetString(Chrony.Serve(settings.Address, settings.Network, settings.TimeServers!)).Split('\n');
        Assert.Equal(["server 192.0.2.1 iburst", "pool time.example iburst maxsources 4", "local stratum 10", "bindaddress 10.77.0.1",
            "allow 10.77.0.0/24"], lines.Take(5));
        Assert.DoesNotContain("local", Encoding.ASCII.GetString(Chrony.Follow(IPAddress.Parse("10.77.0.1"))), StringComparison.Ordinal);
    }

    /// <summary>As chronyc 4.6.1 prints them.</summary>
    [Theory]
    [InlineData("0A4D0001,10.77.0.1,11,1764379000.123456789,0.000212345,-0.000001,0.00002,1.2,0.0,0.3,0.0002,0.001,16.1,Normal",
        "10.77.0.1", 11, "0.2 ms behind", true)]
    [InlineData("0A4D0001,10.77.0.1,4,1764379000.1,-75.2,0.0,0.0,1.2,0.0,0.3,0.0002,0.001,16.1,Insert second",
        "10.77.0.1", 4, "75.2 s ahead", true)]
    [InlineData("7F7F0101,,10,1764379000.1,0.000000000,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,Normal", null, 10, "within 0.1 ms", true)]
    [InlineData("00000000,,0,0.000000000,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised", null, 0, "within 0.1 ms", false)]
    public void What_chronyd_says_of_the_clock_is_read(string line, string? source, int stratum, string offset, bool synchronised)
    {
        var clock = ClockTracking.Parse(line + "\n");
        Assert.Equal((source, stratum, offset, synchronised), (clock!.Source, clock.Stratum, clock.Offset, clock.IsSynchronised));
        Assert.Equal(synchronised ? 2025 : 1970, clock.Measured.Year);
    }

    [Theory]
    [InlineData("")]
    [InlineData("506 Cannot talk to daemon")]
    [InlineData("0A4D0001,10.77.0.1,x,1,0.0,0.0,0.0,1.2,0.0,0.3,0.0,0.0,16.1,Normal")]
    [InlineData("0A4D0001,10.77.0.1,4,1,nan,0.0,0.0,1.2,0.0,0.3,0.0,0.0,16.1,Normal")]
    [InlineData("0A4D0001,10.77.0.1,4,1e300,0.0,0.0,0.0,1.2,0.0,0.3,0.0,0.0,16.1,Normal")]
    [InlineData("0A4D0001,10.77.0.1,4,1,1e999,0.0,0.0,1.2,0.0,0.3,0.0,0.0,16.1,Normal")]
    public void What_is_no_state_of_a_clock_is_none(string line) => Assert.Null(ClockTracking.Parse(line));
}

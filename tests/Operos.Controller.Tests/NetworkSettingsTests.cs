using Operos.Controller.Configuration;
using Operos.Controller.Setup;
using Operos.Release.Publishing;

namespace Operos.Controller.Tests;

/// <summary>What check-config says of addresses and networks, alone and together.</summary>
public sealed class NetworkSettingsTests
{
    private const string Sound = "[network]\naddress = \"10.77.0.1/24\"\n[dhcp]\nrange = [\"10.77.0.100\", \"10.77.0.200\"]\n";

    [Theory]
    [InlineData("[dhcp]\nrange = [\"10.77.0.0\", \"10.77.0.9\"]", "dhcp.range: holds the network's own address 10.77.0.0")]
    [InlineData("[dhcp]\nrange = [\"10.77.0.9\", \"10.77.0.255\"]", "dhcp.range: holds the broadcast address 10.77.0.255")]
    [InlineData("[dhcp]\ngateway = \"10.77.0.100\"", "dhcp.range: holds the gateway 10.77.0.100")]
    [InlineData("[dhcp]\ndns = [\"192.0.2.1\", \"10.77.0.200\"]", "dhcp.range: holds the name server 10.77.0.200")]
    [InlineData("[dns]\nenabled = true\nupstream = [\"10.77.0.150\"]", "dhcp.range: holds the name server 10.77.0.150")]
    [InlineData("[dhcp]\ngateway = \"10.78.0.1\"", "dhcp.gateway: 10.78.0.1 is outside the machines' network 10.77.0.0/24")]
    [InlineData("[dhcp]\ngateway = \"10.77.0.255\"", "dhcp.gateway: 10.77.0.255 is the broadcast address")]
    [InlineData("[dhcp]\ngateway = \"10.77.0.0\"", "dhcp.gateway: 10.77.0.0 is the address of the network")]
    [InlineData("[dhcp]\ndns = [\"10.77.0.255\"]", "dhcp.dns: 10.77.0.255 is the broadcast address")]
    [InlineData("[dhcp]\ndns = [\"224.0.0.251\"]", "dhcp.dns: 224.0.0.251 is no address that a machine can have")]
    [InlineData("[dhcp]\ndns = [\"0.0.0.0\"]", "dhcp.dns: 0.0.0.0 is no address that a machine can have")]
    [InlineData("[network]\naddress = \"10.77.0.255/24\"", "network.address: 10.77.0.255 is the broadcast address of the network")]
    [InlineData("[network]\naddress = \"10.77.0.0/24\"", "network.address: 10.77.0.0 is the address of the network")]
    [InlineData("[network]\naddress = \"127.0.0.1/8\"", "network.address: 127.0.0.1 is no address that a machine can have")]
    [InlineData("[network]\naddress = \"10.77.0.1/31\"", "network.address: an IPv4 address with its prefix length is expected")]
    public void An_address_that_cannot_work_is_named(string table, string problem) => Refused(table, problem);

    /// <summary>inet_aton(3) reads the first as 10.63.0.1.</summary>
    [Theory]
    [InlineData("[network]\naddress = \"10.077.0.1/24\"", "network.address: 10.077.0.1 has a number that begins with 0")]
    [InlineData("[network]\naddress = \"0x0a.77.0.1/24\"", "network.address: an IPv4 address with its prefix length is expected")]
    [InlineData("[dhcp]\nrange = [\"10.77.0.100\", \"10.77.0.0200\"]", "dhcp.range: 10.77.0.0200 has a number that begins with 0")]
    [InlineData("[dhcp]\ngateway = \"10.77.00.2\"", "dhcp.gateway: 10.77.00.2 has a number that begins with 0")]
    [InlineData("[dhcp]\ndns = [\"010.77.0.2\"]", "dhcp.dns: 010.77.0.2 has a number that begins with 0")]
    [InlineData("[dns]\nupstream = [\"192.0.02.1\"]", "dns.upstream: 192.0.02.1 has a number that begins with 0")]
    [InlineData("[kubernetes]\npod-network = \"10.010.0.0/16\"", "kubernetes.pod-network: 10.010.0.0 has a number that begins with 0")]
    [InlineData("[kubernetes]\napi-names = [\"10.077.0.1\"]", "kubernetes.api-names: 10.077.0.1 has a number that begins with 0")]
    [InlineData("[kubernetes]\napi-names = [\"0x0a4d0001\"]", "kubernetes.api-names: IPv4 addresses and DNS names")]
    [InlineData("[cluster]\ndomain = \"10.077.0.1\"", "cluster.domain: a domain name")]
    public void What_some_programs_read_as_octal_is_refused(string table, string problem) => Refused(table, problem);

    [Theory]
    [InlineData("[dhcp]\ngateway = \"10.77.0.150\"", "dhcp.range: holds the gateway 10.77.0.150")]
    [InlineData("[dhcp]\ndns = [\"10.77.0.150\"]", "dhcp.range: holds the name server 10.77.0.150")]
    [InlineData("[dhcp]\nrange = [\"10.77.0.9\", \"10.77.0.255\"]", "dhcp.range: holds the broadcast address 10.77.0.255")]
    [InlineData("[dhcp]\ngateway = \"10.78.0.1\"", "dhcp.gateway: 10.78.0.1 is outside the machines' network")]
    [InlineData("[dhcp]\ndns = [\"0.0.0.0\"]", "dhcp.dns: 0.0.0.0 is no address that a machine can have")]
    [InlineData("[network]\naddress = \"10.077.0.1/8\"", "write 10.77.0.1; a controller that runs with it takes it for 10.63.0.1")]
    [InlineData("[dhcp]\ngateway = \"10.77.0.02\"", "dhcp.gateway: 10.77.0.02 has a number that begins with 0")]
    [InlineData("[kubernetes]\napi-names = [\"0x0a4d0001\"]", "kubernetes.api-names: IPv4 addresses and DNS names")]
    [InlineData("[kubernetes]\nenabled = true\n[dns]\nenabled = true\nupstream = [\"10.11.0.10\"]",
        "dns.upstream: 10.11.0.10 is the cluster's own DNS service")]
    [InlineData("[cluster]\ndomain = \"10.7\"", "cluster.domain: a domain name")]
    [InlineData("[boot]\nkernel-arguments = \"quiet -- single\"", "boot.kernel-arguments: holds the word --")]
    [InlineData("[boot]\nconsoles = [\"ttyS0,115200N8\"]", "boot.consoles: a kernel console is expected")]
    public void What_a_rack_ran_with_is_refused_by_check_config_and_its_controller_goes_on_with_it(string table, string problem)
    {
        Refused(table, problem);
        Assert.Contains(problem, Assert.Single(SettingsReader.Read("c", With(table), strict: false).Doubts), StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_that_begins_with_0_stays_the_one_that_the_rack_has()
    {
        var settings = SettingsReader.Read("c", With("[network]\naddress = \"10.077.0.1/8\""), strict: false);
        Assert.Equal("10.63.0.1", $"{settings.Address}");
    }

    [Theory]
    [InlineData("[network]\naddress = \"fd00::1/64\"", "network.address")]
    [InlineData("[dhcp]\nrange = [\"fd00::10\", \"fd00::20\"]", "dhcp.range")]
    [InlineData("[dhcp]\ngateway = \"fe80::1\"", "dhcp.gateway")]
    [InlineData("[dhcp]\ndns = [\"10.77.0.2\", \"2001:db8::53\"]", "dhcp.dns")]
    [InlineData("[dns]\nupstream = [\"::ffff:192.0.2.1\"]", "dns.upstream")]
    [InlineData("[kubernetes]\npod-network = \"fd00::/48\"", "kubernetes.pod-network")]
    [InlineData("[kubernetes]\nservice-network = \"fd00::/112\"", "kubernetes.service-network")]
    [InlineData("[kubernetes]\napi-names = [\"fd00::1\"]", "kubernetes.api-names")]
    public void IPv6_is_refused_in_words(string table, string key) => Refused(table, $"{key}: is IPv6, which is not served here:");

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once_each_with_its_line()
    {
        var errors = Errors("""
            [network]
            address = "10.77.0.1/24"
            [dhcp]
            range = ["10.77.0.1", "10.77.0.255"]
            gateway = "10.77.0.254"
            dns = ["10.77.0.253", "10.077.0.2", "fd00::1"]
            [boot]
            consoles = ["ttyS0,fast", "tty0"]
            kernel-arguments = "a='b"
            """);
        string[] expected =
        [
            "c:6: dhcp.dns: 10.077.0.2 has a number", "c:6: dhcp.dns: is IPv6", "c:8: boot.consoles: a kernel console",
            "c:9: boot.kernel-arguments: holds '", "c:4: dhcp.range: holds the controller's own address 10.77.0.1",
            "c:4: dhcp.range: holds the broadcast address", "c:4: dhcp.range: holds the gateway 10.77.0.254",
            "c:4: dhcp.range: holds the name server 10.77.0.253",
        ];
        foreach (var start in expected) Assert.Contains(errors, error => error.StartsWith(start, StringComparison.Ordinal));
        Assert.Equal(expected.Length, errors.Count);
    }

    /// <summary>Whether this machine could run Kubernetes is not what its configuration is checked for.</summary>
    [Theory]
    [InlineData("[kubernetes]\npod-network = \"10.76.0.0/15\"", "kubernetes.pod-network: 10.76.0.0/15 overlaps")]
    [InlineData("[kubernetes]\nservice-network = \"10.77.0.0/16\"", "kubernetes.service-network: 10.77.0.0/16 overlaps")]
    public void Networks_of_a_part_that_the_image_decides_on_are_compared_wherever_the_file_is_checked(string table, string problem) =>
        Refused(table, problem);

    [Fact]
    public void What_is_compared_with_an_address_that_was_meant_otherwise_is_not_told() => Assert.StartsWith(
        "c:2: network.address: 10.077.0.1 has a number that begins with 0",
        Assert.Single(Errors(With("[network]\naddress = \"10.077.0.1/24\""))), StringComparison.Ordinal);

    [Theory]
    // Beside another server, or without any, no address of the range is given to anybody.
    [InlineData("[dhcp]\nmode = \"proxy\"\ngateway = \"10.77.0.150\"")]
    [InlineData("[dhcp]\nmode = \"off\"\nrange = [\"10.99.0.1\", \"10.99.0.9\"]")]
    [InlineData("[kubernetes]\nenabled = false\npod-network = \"10.77.0.0/16\"\nservice-network = \"10.77.0.0/16\"")]
    [InlineData("[dns]\nenabled = false\nmachines-domain = \"cluster.local\"")]
    [InlineData("[dns]\nenabled = false\nupstream = [\"10.77.0.1\", \"10.77.0.150\"]")]
    public void What_is_off_is_compared_with_nothing(string table) => Assert.NotNull(SettingsReader.Read("c", With(table)));

    [Theory]
    [InlineData("[kubernetes]\nenabled = true\npod-network = \"10.76.0.0/15\"", "kubernetes.pod-network: 10.76.0.0/15 overlaps")]
    [InlineData("[dns]\nenabled = true\nupstream = [\"10.77.0.1\"]", "dns.upstream: holds the controller's own address")]
    public void What_is_on_is_compared(string table, string problem) => Refused(table, problem);

    [Theory]
    [InlineData("[dhcp]\ngateway = \"10.77.0.254\"\ndns = [\"10.77.0.1\", \"10.77.0.99\", \"192.0.2.53\"]")]
    [InlineData("[dhcp]\nrange = [\"10.77.0.2\", \"10.77.0.254\"]")]
    [InlineData("[kubernetes]\napi-names = [\"192.0.2.7\", \"api.example.org\", \"4.example\"]")]
    public void What_can_work_is_taken(string table) => Assert.NotNull(SettingsReader.Read("c", With(table)));

    [Theory]
    [InlineData("/", "it is a folder")]
    [InlineData("/nowhere/controller.toml", "there is no such file")]
    public void A_file_that_cannot_be_read_is_an_error_in_words(string path, string why) =>
        Assert.StartsWith($"{path}: cannot be read: {why}", Assert.Single(Assert.Throws<ConfigurationException>(
            () => SettingsReader.Load(path)).Errors), StringComparison.Ordinal);

    [Theory]
    [InlineData("10.77.0.100", "two IPv4 addresses are expected")]
    [InlineData("10.77.0.100,10.77.0.150,10.77.0.200", "two IPv4 addresses are expected")]
    [InlineData("10.77.0.100, 10.77.0.255", "holds the broadcast address")]
    public void Setup_says_what_is_wrong_with_a_range_and_writes_nothing(string range, string problem)
    {
        var folder = Directory.CreateTempSubdirectory("operos-setup-").FullName;
        try
        {
            ReleaseKey.Generate(Path.Combine(folder, "keys"));
            var setup = new ControllerSetup
            {
                Folder = Path.Combine(folder, "made"), Address = "10.77.0.1/24", DhcpRange = range,
                ReleaseKeyPem = File.ReadAllText(Path.Combine(folder, "keys", ReleaseKey.PublicName)),
            };
            var error = Assert.Single(Assert.Throws<ConfigurationException>(setup.Run).Errors);
            Assert.Contains(problem, error, StringComparison.Ordinal);
            Assert.StartsWith("--dhcp-range: ", error, StringComparison.Ordinal);
            Assert.False(Directory.Exists(setup.Folder));
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    [Theory]
    [InlineData("# ours\nmode = \"off\"\n", "--extra-config, line 2: dhcp.mode: given twice")]
    [InlineData("lease = \"1s\"\n", "--extra-config, line 1: dhcp.lease: ")]
    [InlineData("\n\nmode = \n", "--extra-config, line 3: this is no TOML: ")]
    public void Setup_says_which_line_of_further_configuration_is_wrong(string extra, string problem)
    {
        var folder = Directory.CreateTempSubdirectory("operos-setup-").FullName;
        try
        {
            ReleaseKey.Generate(Path.Combine(folder, "keys"));
            var setup = new ControllerSetup
            {
                Folder = Path.Combine(folder, "made"), Address = "10.77.0.1/24", DhcpRange = "10.77.0.100,10.77.0.200",
                ReleaseKeyPem = File.ReadAllText(Path.Combine(folder, "keys", ReleaseKey.PublicName)), ExtraConfiguration = extra,
            };
            Assert.StartsWith(problem, Assert.Single(Assert.Throws<ConfigurationException>(setup.Run).Errors), StringComparison.Ordinal);
            Assert.False(Directory.Exists(setup.Folder));
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    [Fact]
    public void Setup_says_that_a_private_key_is_no_public_one()
    {
        var folder = Directory.CreateTempSubdirectory("operos-setup-").FullName;
        try
        {
            ReleaseKey.Generate(folder);
            var setup = new ControllerSetup
            {
                Folder = Path.Combine(folder, "made"), Address = "10.77.0.1/24", DhcpMode = "off",
                ReleaseKeyPem = File.ReadAllText(Path.Combine(folder, ReleaseKey.PrivateName)),
            };
            Assert.Equal(["--release-key: a private key; the public one is expected: release.pub beside it"],
                Assert.Throws<ConfigurationException>(setup.Run).Errors);
            Assert.False(setup.IsDone);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    [Fact]
    public void A_controller_s_login_prompt_shows_the_address_that_setup_was_given_and_no_other()
    {
        var folder = Directory.CreateTempSubdirectory("operos-setup-").FullName;
        try
        {
            ReleaseKey.Generate(Path.Combine(folder, "keys"));
            new ControllerSetup
            {
                Folder = Path.Combine(folder, "made"), Address = "10.77.0.1/24", DhcpRange = "10.77.0.100,10.77.0.200",
                ReleaseKeyPem = File.ReadAllText(Path.Combine(folder, "keys", ReleaseKey.PublicName)),
            }.Run();
            Assert.Equal("Operos controller \\n at 10.77.0.1 (\\l)\n\n", File.ReadAllText(Path.Combine(folder, "made/upper/etc/issue")));
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    private static void Refused(string table, string problem)
    {
        var errors = Errors(With(table));
        var found = errors.Where(error => error.Contains(problem, StringComparison.Ordinal)).ToList();
        Assert.True(found.Count == 1, string.Join('\n', errors));
        Assert.DoesNotContain(found[0], char.IsControl);
    }

    private static IReadOnlyList<string> Errors(string text) =>
        Assert.Throws<ConfigurationException>(() => SettingsReader.Read("c", text)).Errors;

    /// <summary>A sound file in which a table has other values, or which has one more.</summary>
    private static string With(string table)
    {
        var (name, values) = (table.Split('\n')[0], table.Split('\n')[1..]);
        var keys = values.Select(line => line.Split(' ')[0]).ToHashSet();
        var lines = Sound.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !keys.Contains(line.Split(' ')[0])).ToList();
        if (lines.IndexOf(name) is >= 0 and var place) lines.InsertRange(place + 1, values);
        else lines.Add(table);
        return string.Join('\n', lines);
    }
}

using Operos.Controller.Configuration;
using Operos.Proto;

namespace Operos.Controller.Tests;

public sealed class SettingsTests
{
    [Fact]
    public void A_full_file_is_read()
    {
        var settings = SettingsReader.Read("c.toml", """
            [cluster]
            admission = "auto"
            [network]
            address = "10.77.0.1/24"
            [dhcp]
            mode = "full"
            range = ["10.77.0.100", "10.77.0.200"]
            lease = "90m"
            dns = ["10.77.0.1"]
            [boot]
            http-port = 8080
            menu-seconds = 0
            consoles = ["ttyS1,9600"]
            [nodes]
            authorized-keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPv6 somebody at a desk"]
            """);
        Assert.StartsWith("ssh-ed25519 ", Assert.Single(settings.AuthorizedKeys), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromMinutes(90), settings.Lease);
        Assert.Equal("http://10.77.0.1:8080", settings.BootUrl);
        Assert.Equal(["ttyS1,9600"], settings.Consoles);
    }

    [Fact]
    public void Every_error_is_reported_at_once_with_line_and_key()
    {
        var errors = Assert.Throws<ConfigurationException>(() => SettingsReader.Read("c.toml", """
            [cluster]
            admission = "maybe"
            [network]
            address = "10.77.0.0/24"
            adress = "x"
            [dhcp]
            lease = "soon"
            [boot]
            http-port = 70000
            kernel-arguments = "$(rm)"
            """)).Errors;
        Assert.Equal(7, errors.Count);
        foreach (var expected in new[] { "c.toml:2: cluster.admission: one of \"auto\", \"approve\"", "c.toml:4: network.address:",
            "c.toml:5: network.adress: no such setting", "c.toml:7: dhcp.lease:", "c.toml:9: boot.http-port: a number from 1 to 65535",
            "c.toml:10: boot.kernel-arguments:", "c.toml: dhcp.range: is required" })
            Assert.Contains(errors, error => error.StartsWith(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("[\"10.77.0.100\", \"10.78.0.1\"]", "not within")]
    [InlineData("[\"10.77.0.100\", \"10.77.0.50\"]", "first address comes after")]
    [InlineData("[\"10.77.0.1\", \"10.77.0.50\"]", "own address")]
    [InlineData("[\"10.77.0.100\"]", "two IPv4")]
    [InlineData("5", "two IPv4")]
    public void A_bad_range_is_named(string range, string problem) =>
        Assert.Contains(problem, Assert.Throws<ConfigurationException>(
            () => SettingsReader.Read("c", $"[network]\naddress=\"10.77.0.1/24\"\n[dhcp]\nrange = {range}\n")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Names_have_defaults_and_each_wrong_one_is_told()
    {
        const string network = "[network]\naddress = \"10.77.0.1/24\"\n[dhcp]\nmode = \"off\"\n";
        // Without Kubernetes there are no names to serve, unless it is asked for.
        Assert.False(SettingsReader.Read("c", network + "[kubernetes]\nenabled = false\n").DnsEnabled);
        var settings = SettingsReader.Read("c", network + "[kubernetes]\nenabled = true\n");
        Assert.Equal(("cluster.local", "machines.operos.internal", true),
            (settings.ClusterDomain, settings.MachinesDomain, settings.DnsEnabled));
        settings = SettingsReader.Read("c", network
            + "[cluster]\ndomain = \"k8s.example.com\"\n[dns]\nenabled = false\nupstream = [\"10.77.0.9\", \"192.0.2.1\"]\n"
            + "machines-domain = \"rack.example.com\"\n");
        Assert.Equal(("k8s.example.com", "rack.example.com", false),
            (settings.ClusterDomain, settings.MachinesDomain, settings.DnsEnabled));
        Assert.Equal(["10.77.0.9", "192.0.2.1"], settings.DnsUpstream.Select(server => server.ToString()));

        var errors = Assert.Throws<ConfigurationException>(
            () => SettingsReader.Read("c", network
            + "[cluster]\ndomain = \"Cluster.local\"\n[dns]\nenabled = \"yes\"\nupstream = [\"10.77.0.1\"]\n"
            + "machines-domain = \"-x.y\"\n")).Errors;
        Assert.Equal(4, errors.Count);
        foreach (var expected in new[] { "c:6: cluster.domain: a domain name in lower case", "c:8: dns.enabled: true or false",
            "c:9: dns.upstream: holds the controller's own address", "c:10: dns.machines-domain:" })
            Assert.Contains(errors, error => error.StartsWith(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("machines.cluster.local")]
    [InlineData("cluster.local")]
    [InlineData("local")]
    public void The_machines_domain_is_beside_the_clusters(string domain) =>
        Assert.Contains("must not lie within", Assert.Throws<ConfigurationException>(
            () => SettingsReader.Read("c",
            $"[network]\naddress=\"10.77.0.1/24\"\n[dhcp]\nmode = \"off\"\n[dns]\nmachines-domain = \"{domain}\"\n")).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("ssh-ed25519")]
    [InlineData("ssh-ed25519 not*base64")]
    [InlineData("command=\\\"x\\\" ssh-ed25519 AAAA")]
    [InlineData("ssh-ed25519 AAAA x\\nssh-rsa AAAA")]
    public void What_is_no_SSH_public_key_is_refused(string key) =>
        Assert.Contains("nodes.authorized-keys", Assert.Throws<ConfigurationException>(
            () => SettingsReader.Read("c",
            $"[network]\naddress=\"10.77.0.1/24\"\n[dhcp]\nmode=\"off\"\n[nodes]\nauthorized-keys = [\"{key}\"]\n")).Message,
            StringComparison.Ordinal);

    /// <summary>What is read of a file that is no TOML says nothing of its settings.</summary>
    [Theory]
    [InlineData("[network\naddress = \"x\"\n", "c:1: this is no TOML: ] is expected, and not the line's end")]
    [InlineData("[network]\naddress = \"10.77.0.1/24\n[dhcp]\nmode = \"off\"\n", "c:2: this is no TOML: ")]
    [InlineData("\u0001\ud800\u0000[[[\n=\n", "c:1: this is no TOML: ")]
    public void Of_a_file_that_is_no_TOML_the_first_error_is_told_alone(string text, string expected)
    {
        var error = Assert.Single(Assert.Throws<ConfigurationException>(() => SettingsReader.Read("c", text)).Errors);
        Assert.StartsWith(expected, error, StringComparison.Ordinal);
        Assert.DoesNotContain("token", error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(error, char.IsControl);
    }

    [Fact]
    public void Errors_come_in_the_order_of_the_file_say_what_was_found_and_what_is_there_twice_is_told_once()
    {
        Assert.Equal(
        [
            "c:2: cluster.admission: one of \"auto\", \"approve\" is expected, not \"maybe\"",
            "c:5: network.address: given twice",
            "c:7: dhcp.range: two IPv4 addresses are expected: [\"FIRST\", \"LAST\"], not \"10.77.0.300\"",
            "c:9: boot.http-port: a number from 1 to 65535 is expected, without quotes: 7480",
            "c:10: boot.menu-seconds: a number from 0 to 300 is expected, not true",
            "c:12: nodes.authorized-keys: SSH public keys are expected, such as \"ssh-ed25519 AAAA... name\", not \"nonsense\"",
            "c:14: netwrok.addr: no such setting; the tables are [cluster], [network], [control], ",
            "c:15: network: given twice",
        ], Assert.Throws<ConfigurationException>(() => SettingsReader.Read("c", """
            [cluster]
            admission = "maybe"
            [network]
            address = "10.77.0.1/24"
            address = "10.77.0.2/24"
            [dhcp]
            range = ["10.77.0.100", "10.77.0.300"]
            [boot]
            http-port = "7480"
            menu-seconds = true
            [nodes]
            authorized-keys = ["ssh-ed25519 AAAA a", "nonsense"]
            [netwrok]
            addr = "x"
            [network]
            """)).Errors.Select(error => error.Split("[control], ")[0] + (error.Contains("[control], ", StringComparison.Ordinal)
                ? "[control], " : "")));
    }

    [Fact]
    public void Shares_of_disks_have_a_default_and_rules_in_their_order()
    {
        const string network = "[network]\naddress = \"10.77.0.1/24\"\n[dhcp]\nmode = \"off\"\n";
        var usual = SettingsReader.Read("c", network).Storage;
        Assert.Equal((50, 0, null, 0), (usual.LocalPercent, usual.Rules.Count, usual.Encrypt, usual.Excluded.Count));
        var storage = SettingsReader.Read("c", network + """
            [storage]
            local-share = 80
            encrypt = false
            rules = ["rotational, at-least=4TB: 20", "solid,at-most = 512GiB:local", "model=INTEL*: ceph"]
            """).Storage;
        Assert.Equal((80, false), (storage.LocalPercent, storage.Encrypt));
        Assert.Equal(
        [
            new StorageRule { Rotational = true, AtLeast = 4_000_000_000_000, LocalPercent = 20 },
            new StorageRule { Rotational = false, AtMost = 512L << 30, LocalPercent = 100 },
            new StorageRule { Model = "INTEL*", LocalPercent = 0 },
        ], storage.Rules);
        Assert.Equal(0, SettingsReader.Read("c", network + "[storage]\nall = \"ceph\"\n").Storage.LocalPercent);
        Assert.Equal(100, SettingsReader.Read("c", network + "[storage]\nall = \"local\"\n").Storage.LocalPercent);
        Assert.False(SettingsReader.Read("c", network).CephEnabled);
        Assert.True(SettingsReader.Read("c", network + "[storage]\nceph = true\n").CephEnabled);
        Assert.True(SettingsReader.Read("c", network).HealsLostDisks);
        Assert.False(SettingsReader.Read("c", network + "[storage]\nheal = false\n").HealsLostDisks);
    }

    [Fact]
    public void Each_wrong_share_of_disks_is_told_at_once()
    {
        var errors = Assert.Throws<ConfigurationException>(() => SettingsReader.Read("c", """
            [network]
            address = "10.77.0.1/24"
            [dhcp]
            mode = "off"
            [storage]
            local-share = 90
            all = "both"
            encrypt = "yes"
            rules = ["rotational", "rotational: 10", "solid, solid: 50", "at-least=2TB, at-most=1TB: 50", "at-least=9999999TB: 50",
                ": 50", "shiny: ceph"]
            locl-share = 20
            """)).Errors;
        Assert.Equal(12, errors.Count);
        foreach (var expected in new[] { "c:6: storage.local-share: a number from 20 to 80 is expected, not 90",
            "c:6: storage.local-share: counts for nothing beside storage.all", "c:7: storage.all: one of \"ceph\", \"local\" is expected",
            "c:8: storage.encrypt: true or false is expected",
            "c:9: storage.rules: \"rotational\": a rule is conditions, a colon and a share",
            "c:9: storage.rules: \"rotational: 10\": its share is 20 to 80, ceph or local",
            "c:9: storage.rules: \"solid, solid: 50\": 'solid' is no condition",
            "c:9: storage.rules: \"at-least=2TB, at-most=1TB: 50\": no disk is at least and at most so large",
            "c:9: storage.rules: \"at-least=9999999TB: 50\": 'at-least=9999999TB' is no condition",
            "c:9: storage.rules: \": 50\": a rule is", "c:9: storage.rules: \"shiny: ceph\": 'shiny' is no condition",
            "c:11: storage.locl-share: no such setting; there are storage.local-share, " })
            Assert.True(errors.Any(error => error.StartsWith(expected, StringComparison.Ordinal)),
                $"'{expected}' is not in:\n{string.Join('\n', errors)}");
    }

    [Theory]
    [InlineData("[network\naddress = 1")]
    [InlineData("[[network]]\naddress = \"10.0.0.1/24\"")]
    [InlineData("[network]\naddress = 1.5")]
    [InlineData("network = 1")]
    [InlineData("\u0000")]
    public void Malformed_files_are_errors_and_no_crash(string text) =>
        Assert.Throws<ConfigurationException>(() => SettingsReader.Read("c", text));
}

using Operos.Controller.Configuration;

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

    [Theory]
    [InlineData("[network\naddress = 1")]
    [InlineData("[[network]]\naddress = \"10.0.0.1/24\"")]
    [InlineData("[network]\naddress = 1.5")]
    [InlineData("network = 1")]
    [InlineData("\u0000")]
    public void Malformed_files_are_errors_and_no_crash(string text) =>
        Assert.Throws<ConfigurationException>(() => SettingsReader.Read("c", text));
}

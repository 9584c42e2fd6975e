using Operos.Controller.Boot;
using Operos.Controller.Configuration;
using Operos.Controller.Dhcp;

namespace Operos.Controller.Tests;

/// <summary>Configurations made after reports from the field; each stands for its kind.</summary>
public sealed class ConfigurationCaseTests(ConfigurationCaseTests.Releases releases) : IClassFixture<ConfigurationCaseTests.Releases>
{
    /// <summary>Made once for all of them.</summary>
    public sealed class Releases : IDisposable
    {
        internal TestReleases Made { get; } = new();
        public void Dispose() => Made.Dispose();
    }

    private static readonly Dictionary<string, string[]> Refused = new()
    {
        ["octal-address"] = [":2: network.address: 10.077.0.1 has a number that begins with 0, which some programs read as octal: write "
            + "10.77.0.1"],
        ["range-holds-broadcast"] = [":4: dhcp.range: holds the broadcast address 10.88.255.255"],
        ["range-holds-gateway-and-dns"] = [":4: dhcp.range: holds the gateway 10.88.0.254",
            ":4: dhcp.range: holds the name server 10.88.0.253"],
    };

    private static readonly Dictionary<string, Action<ControllerSettings, ReleaseStore>> Taken = new()
    {
        ["console-com2"] = (settings, store) =>
        {
            var menu = new BootMenu(settings, store);
            Assert.Contains("serial --unit=1 --speed=57600\n", menu.Grub(), StringComparison.Ordinal);
            Assert.StartsWith("SERIAL 1 57600\n", menu.Pxelinux(), StringComparison.Ordinal);
            foreach (var text in (string[])[menu.Grub(), menu.Pxelinux()])
                Assert.Contains(" console=tty0 console=ttyS1,57600", text, StringComparison.Ordinal);
        },
        ["kernel-arguments-ampersand"] = (settings, store) =>
        {
            var menu = new BootMenu(settings, store);
            Assert.Contains(" quiet 'a=b&c' BOOTIF=$net_default_mac; then\n", menu.Grub(), StringComparison.Ordinal);
            Assert.Contains(" quiet a=b&c\n", menu.Pxelinux(), StringComparison.Ordinal);
        },
        ["kernel-arguments-comma"] = (settings, store) => Assert.Contains(
            " ipv6.disable=1 crashkernel=1G-4G:192M,4G-:256M BOOTIF=$net_default_mac; then\n", new BootMenu(settings, store).Grub(),
            StringComparison.Ordinal),
        ["range-of-5120"] = (settings, _) => Assert.Contains("\ndhcp-lease-max=5120\n",
            DnsmasqConfiguration.Write(settings, "/tftp", "/leases", leases: 0), StringComparison.Ordinal),
    };

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Cases");

    public static TheoryData<string> Cases =>
        new(Directory.EnumerateFiles(Folder, "*.toml").Select(path => Path.GetFileNameWithoutExtension(path)).Order());

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_is_refused_in_words_or_does_what_it_says(string name)
    {
        var path = Path.Combine(Folder, name + ".toml");
        if (Refused.TryGetValue(name, out var expected))
        {
            var errors = Assert.Throws<ConfigurationException>(() => SettingsReader.Load(path)).Errors;
            Assert.Equal(expected.Length, errors.Count);
            foreach (var (error, start) in errors.Zip(expected)) Assert.StartsWith(path + start, error, StringComparison.Ordinal);
        }
        else Taken[name](SettingsReader.Load(path), releases.Made.Store);
    }

    [Fact]
    public void No_case_is_forgotten() =>
        Assert.Equal(Cases.Select(row => row.Data).Order(), Refused.Keys.Concat(Taken.Keys).Order());
}

using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>A controller with several network cards: what setup wrote, read by a real systemd-networkd.</summary>
[Collection(Lanes.Boot)]
public sealed class ControllerNicTests : IDisposable
{
    private const string First = "52:54:00:77:00:01", Second = "52:54:00:77:00:02";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A networkd with folders of its own. With /sys to read alone, as in a container, it waits for no udev; nobody asks it on a bus.
    /// </summary>
    private const string Networkd = """
        mount -t tmpfs none /run
        mount -t sysfs -o ro none /sys
        mkdir -p /run/systemd/network
        cp "$1" /run/systemd/network/
        exec /lib/systemd/systemd-networkd
        """;

    private readonly LabFolder folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), "net-controller-nics");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_address_is_on_the_card_that_setup_was_given_and_on_no_other()
    {
        var host = $"opn-{Environment.ProcessId}-nics";
        folder.NoteNamespace(host);
        foreach (var command in (string[])
        [
            $"netns add {host}", $"-n {host} link add eth0 address {First} type veth peer name cable0",
            $"-n {host} link add eth1 address {Second} type veth peer name cable1",
            $"-n {host} link set cable0 up", $"-n {host} link set cable1 up",
            // It has the card's MAC, and is not the card.
            $"-n {host} link add bridge7 address {Second} type bridge",
        ])
            await Shell.RunAsync("ip", command.Split(' '), default);
        var (code, said) = await SetUpAsync(Second.ToUpperInvariant().Replace(':', '-'));
        Assert.True(code == 0, said);
        var file = folder["setup/upper/etc/systemd/network/10-operos.network"];
        string[] line = [$"--net=/run/netns/{host}", "unshare", "--mount", "sh", "-ec", Networkd, "networkd", file];
        using var networkd = Process.Start(new ProcessStartInfo("nsenter", line))!;
        folder.NoteProcess(networkd.Id);
        try { await Wait.UntilAsync("eth1 has the address", Patience, async () => (await CardsAsync(host)).Contains("eth1")); }
        finally { networkd.Kill(entireProcessTree: true); }
        Assert.Equal(["eth1"], await CardsAsync(host));
    }

    [Theory]
    [InlineData("52:54:00:77:00"), InlineData("eth1"), InlineData("01:00:5e:00:00:01"), InlineData("00:00:00:00:00:00")]
    [InlineData("52:54:00:77:00:02\n[Network]")]
    public async Task What_is_no_card_s_MAC_is_refused_in_words_and_nothing_is_written(string nic)
    {
        var (code, said) = await SetUpAsync(nic);
        Assert.Equal(1, code);
        Assert.Contains("is no MAC of a network card", said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["setup"]));
    }

    private async Task<(int Code, string Said)> SetUpAsync(string nic)
    {
        using var process = Process.Start(new ProcessStartInfo(new Build().Binary("operos-controller"),
            [
                "setup", "--dir", folder["setup"], "--address", $"{NativeController.Address}/24", "--dhcp-range", "10.77.0.100,10.77.0.200",
                "--release-key", new Build().ReleasePublicKey, "--nic", nic,
            ]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await errors);
    }

    /// <summary>The cards that have the controller's address.</summary>
    private static async Task<IReadOnlyList<string>> CardsAsync(string host)
    {
        var cards = JsonNode.Parse(await Shell.RunAsync("ip", ["-n", host, "-json", "address", "show"], default))!.AsArray();
        return [.. cards.Where(card => card!["addr_info"]!.AsArray()
            .Any(address => address?["local"]?.GetValue<string>() == NativeController.Address))
            .Select(card => card!["ifname"]!.GetValue<string>())];
    }
}

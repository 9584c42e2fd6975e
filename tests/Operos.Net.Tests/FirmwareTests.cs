using System.Net.Sockets;
using Operos.Controller.Configuration;
using Operos.Controller.Dhcp;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>Machines of every kind of firmware, and thousands of them, before a real dnsmasq.</summary>
[Collection(Lanes.Boot)]
public sealed class FirmwareTests
{
    /// <summary>A number that IANA has given to nobody, the bytes of 7 in the wrong order, and a list of two without a loader.</summary>
    private static readonly byte[][] Odd = [[0, 99], [7, 0], [0, 11, 0, 19]];

    [Theory]
    [InlineData("full")]
    [InlineData("proxy")]
    public async Task Firmware_that_no_loader_fits_gets_none_and_each_is_told_of_once(string mode)
    {
        await using var service = await BootService.StartAsync(mode);
        using var socket = service.Client.OpenDhcp();
        var without = FirmwareTypes.Names.Keys.Except(FirmwareTypes.Loaders.Select(loader => loader.Type)).ToList();
        foreach (var type in without.Select(type => (byte[])[0, (byte)type]).Concat(Odd).Concat([[0, 11]]))
        {
            var offer = Ask(socket, type);
            Assert.True(offer is not null, $"{Convert.ToHexString(type)}: no offer");
            Assert.True(offer.File.Length == 0, $"{Convert.ToHexString(type)}: got '{offer.File}'");
            Assert.False(offer.Options.ContainsKey(209) || offer.Options.ContainsKey(211));
        }
        // A list with one that fits is not affected.
        if (mode == "full") Assert.Equal("shimx64.efi", Ask(socket, [0, 11, 0, 7])!.File);

        string[] expected = [.. without.Select(type => FirmwareTypes.Names[type]), "a kind of firmware that is not known here"];
        await Wait.UntilAsync("each is told of", Worker.Soon,
            async () => Told(await File.ReadAllTextAsync(service.Controller.LogPath)).Count >= expected.Length, service.Controller.LogPath);
        var told = Told(await File.ReadAllTextAsync(service.Controller.LogPath));
        foreach (var name in expected)
            Assert.Single(told, line => line.Contains($"52:54:00:cc:00:01 asks to boot by {name}", StringComparison.Ordinal)
                && (line.Contains($"{name}, for which", StringComparison.Ordinal) || name == expected[^1]));
        Assert.Equal(expected.Length, told.Count);
    }

    [Fact]
    public async Task A_range_of_thousands_serves_its_last_machine_and_one_that_became_smaller_serves_too()
    {
        await using var rack = await LargeRack.StartAsync();
        // As many as dnsmasq gives by itself, and then nobody else.
        rack.WriteLeases(1000);
        await rack.RunAsync("[\"10.88.1.0\", \"10.88.20.255\"]", async socket =>
        {
            var offer = await rack.OfferAsync(socket);
            var given = Dhcp.AskAgain(socket, 3, Dhcp.Option(50, offer.Address.GetAddressBytes()),
                Dhcp.Option(54, [10, 88, 0, 1]));
            Assert.Equal((byte?)5, given?.Type);
        });
        // dnsmasq ends at once where its file has more leases than it may give. The new range lies beside what is leased.
        rack.WriteLeases(3000);
        await rack.RunAsync("[\"10.88.30.0\", \"10.88.30.99\"]", async socket => await rack.OfferAsync(socket));
    }

    private static Dhcp.Reply? Ask(Socket socket, byte[] type) =>
        Dhcp.AskAgain(socket, 1, Dhcp.Vendor("PXEClient:Arch:00011:UNDI:003001"), Dhcp.Option(93, type), Dhcp.Option(97, new byte[17]));

    private static List<string> Told(string log) =>
        [.. log.Split('\n').Where(line => line.Contains("for which there is no loader", StringComparison.Ordinal))];

    /// <summary>A network of 65,534 addresses, and in it dnsmasq as the controller configures it.</summary>
    private sealed class LargeRack : IAsyncDisposable
    {
        private readonly LabFolder folder;
        private readonly LabNetwork network;
        private readonly ClientHost client;

        private LargeRack(LabFolder folder, LabNetwork network, ClientHost client) =>
            (this.folder, this.network, this.client) = (folder, network, client);

        private string Leases => folder["leases"];
        private string Log => folder["dnsmasq.log"];

        public static async Task<LargeRack> StartAsync()
        {
            var folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), "net-large-range");
            try
            {
                var network = await LabNetwork.CreateAsync(folder, "10.88.0.1/16", default);
                return new LargeRack(folder, network, await ClientHost.CreateAsync(folder, network, address: "10.88.0.50"));
            }
            catch
            {
                folder.Dispose();
                throw;
            }
        }

        public void WriteLeases(int count)
        {
            var end = DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds();
            File.WriteAllLines(Leases, Enumerable.Range(0, count).Select(number =>
            {
                var tail = $"{number >> 8:x2}:{number & 255:x2}";
                return $"{end} 52:54:01:00:{tail} 10.88.{1 + (number >> 8)}.{number & 255} * 01:52:54:01:00:{tail}";
            }));
        }

        public async Task RunAsync(string range, Func<Socket, Task> use)
        {
            var settings = SettingsReader.Read("c", "[network]\naddress = \"10.88.0.1/16\"\n[kubernetes]\nenabled = false\n"
                + $"[dhcp]\nrange = {range}\n");
            await File.WriteAllTextAsync(folder["dnsmasq.conf"],
                DnsmasqConfiguration.Write(settings, folder.OpenPath("tftp"), Leases, LeaseFile.Count(Leases)));
            string[] words = ["--keep-in-foreground", $"--conf-file={folder["dnsmasq.conf"]}", "--log-facility=-", "--user=dnsmasq",
                "--pid-file="];
            using var daemon = network.Start("/usr/sbin/dnsmasq", words, Log);
            try
            {
                using var socket = client.OpenDhcp();
                socket.ReceiveTimeout = 1000;
                await use(socket);
            }
            finally
            {
                daemon.Kill(entireProcessTree: true);
                await daemon.WaitForExitAsync();
            }
        }

        /// <summary>The first answer; a daemon that has just been started may not listen yet.</summary>
        public async Task<Dhcp.Reply> OfferAsync(Socket socket)
        {
            Dhcp.Reply? offer = null;
            await Wait.UntilAsync("dnsmasq offers an address", Worker.Soon,
                () => Task.FromResult((offer = Dhcp.Ask(socket, 1)) is not null), Log);
            return offer!;
        }

        public ValueTask DisposeAsync()
        {
            folder.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

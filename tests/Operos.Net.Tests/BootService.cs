using System.Runtime.CompilerServices;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>The real controller with the real dnsmasq, and a client host beside it.</summary>
internal sealed class BootService : IAsyncDisposable
{
    private readonly LabNetwork network;

    private BootService(LabFolder folder, LabNetwork network, NativeController controller, ClientHost client) =>
        (Folder, this.network, Controller, Client) = (folder, network, controller, client);

    /// <summary>Where logs and state of this test are.</summary>
    public LabFolder Folder { get; }
    public NativeController Controller { get; }
    public ClientHost Client { get; }
    public string Version => Path.GetFileName(Controller.ReleaseFolder);

    public static async Task<BootService> StartAsync(
        string dhcpMode = "full", string admission = "auto", string configuration = "", [CallerMemberName] string name = "")
    {
        var build = new Build();
        var folder = LabFolder.Create(Path.Combine(build.Out, "test"), $"net-{name}-{dhcpMode}");
        try
        {
            var network = await LabNetwork.CreateAsync(folder, $"{NativeController.Address}/24", default);
            var client = await ClientHost.CreateAsync(folder, network);
            var controller = await NativeController.StartAsync(
                build, folder, network, default, admission, dhcpMode, configuration: configuration);
            await ReachAsync(client);
            return new BootService(folder, network, controller, client);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>A test that fails tells of the controller, not of a cable of this lab that carries nothing yet.</summary>
    private static Task ReachAsync(ClientHost client) =>
        new Wait($"the client reaches {NativeController.Address}", TimeSpan.FromSeconds(30)) { LooksAgain = true }.UntilAsync(async () =>
        {
            var said = await client.RunAsync("ping", ["-c", "1", "-W", "1", NativeController.Address], check: false);
            if (said.Contains(" 0% packet loss", StringComparison.Ordinal)) return true;
            var links = await client.RunAsync("ip", ["-statistics", "address"]);
            throw new LabException($"{links}\n{await client.RunAsync("ip", ["neighbour"])}");
        });

    /// <summary>One more host on the rack's switch, such as the machines of a rack are.</summary>
    public Task<ClientHost> AddClientAsync(int number) => ClientHost.CreateAsync(Folder, network, number);

    /// <summary>Takes the controller's address from its network, or gives it back.</summary>
    public Task AddressAsync(bool present) =>
        network.RunAsync("ip", ["address", present ? "add" : "del", $"{NativeController.Address}/24", "dev", "br0"], default);

    public ValueTask DisposeAsync()
    {
        Controller.Dispose();
        Folder.Dispose();
        Directory.Delete(Controller.Releases, recursive: true);
        return ValueTask.CompletedTask;
    }
}

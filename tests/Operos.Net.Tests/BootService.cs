using System.Runtime.CompilerServices;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>The real controller with the real dnsmasq, and a client host beside it.</summary>
internal sealed class BootService : IAsyncDisposable
{
    private readonly LabFolder folder;

    private BootService(LabFolder folder, NativeController controller, ClientHost client) => (this.folder, Controller, Client) = (folder, controller, client);

    public NativeController Controller { get; }
    public ClientHost Client { get; }
    public string Version => Path.GetFileName(Controller.ReleaseFolder);

    public static async Task<BootService> StartAsync(string dhcpMode = "full", [CallerMemberName] string name = "")
    {
        var build = new Build();
        var folder = LabFolder.Create(Path.Combine(build.Out, "test"), $"net-{name}-{dhcpMode}");
        try
        {
            var network = await LabNetwork.CreateAsync(folder, $"{NativeController.Address}/24", default);
            var client = await ClientHost.CreateAsync(folder, network);
            var controller = await NativeController.StartAsync(build, folder, network, default, dhcpMode: dhcpMode);
            return new BootService(folder, controller, client);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        Controller.Dispose();
        folder.Dispose();
        Directory.Delete(Controller.Releases, recursive: true);
        return ValueTask.CompletedTask;
    }
}

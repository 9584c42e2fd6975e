using System.Runtime.CompilerServices;
using System.Text.Json;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>One test's rack: network, the real controller, machines; all gone with it, the logs kept.</summary>
internal sealed class Rack : IAsyncDisposable
{
    /// <summary>Five times what a boot takes on two busy cores.</summary>
    public static readonly TimeSpan BootPatience = TimeSpan.FromMinutes(5);

    private readonly MachineGroup machines = new();

    private Rack(Build build, LabFolder folder, LabNetwork network, NativeController controller) => (Build, Folder, Network, Controller) = (build, folder, network, controller);

    /// <summary>A bare machine; each rack is a world of its own, so that all may have the same.</summary>
    public static VirtualMachineOptions Worker => new() { Name = "worker", Uuid = "5d0f8a44-2222-4c1c-9d6b-2f3d5a7b9c10", Nics = [new VirtualNic("52:54:00:aa:00:02")] };

    public Build Build { get; }
    public LabFolder Folder { get; }
    public LabNetwork Network { get; }
    public NativeController Controller { get; }

    public static async Task<Rack> CreateAsync(string admission = "auto", string dhcpMode = "full", int menuSeconds = 1, [CallerMemberName] string name = "")
    {
        var build = new Build();
        var folder = LabFolder.Create(Path.Combine(build.Out, "test"), name);
        try
        {
            var network = await LabNetwork.CreateAsync(folder, $"{NativeController.Address}/24", default);
            return new Rack(build, folder, network, await NativeController.StartAsync(build, folder, network, default, admission, dhcpMode, menuSeconds));
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public Task<VirtualMachine> PowerOnAsync(VirtualMachineOptions options) => machines.StartAsync(options, Network, Folder, default);

    /// <summary>Waits until the worker's agent says who it is, and the controller that it is up.</summary>
    public async Task<(string Id, JsonElement BootRecord)> EnrolledAsync(VirtualMachine machine)
    {
        var match = await machine.Console.WaitForAsync(@"operos-worker: enrolled as ([0-9a-f-]{36})", BootPatience, default);
        var id = match.Groups[1].Value;
        for (var attempt = 0; ; attempt++)
        {
            if ((await Controller.WorkersAsync(default)).Any(worker => worker.GetProperty("id").GetString() == id && worker.GetProperty("state").GetString() == "up")) break;
            if (attempt > 100) throw new LabException($"{id} enrolled and did not come up");
            await Task.Delay(500);
        }
        using var detail = JsonDocument.Parse(await Controller.CtlAsync(["machines", "show", id, "--json"], default));
        using var boot = JsonDocument.Parse(detail.RootElement.GetProperty("bootRecord").GetBytesFromBase64());
        return (id, boot.RootElement.Clone());
    }

    /// <summary>Runs a test's body, which ends as soon as a machine fails; a failure carries each machine's console and command line.</summary>
    public async Task WatchAsync(Func<Task> body)
    {
        try { await machines.RunAsync(_ => body(), default); }
        catch (Exception e)
        {
            var controller = string.Join('\n', File.ReadLines(Controller.LogPath).TakeLast(25));
            throw new LabException($"{e.Message}\n\n{machines.Describe(e.Message)}\n\ncontroller ({Controller.LogPath})\n{controller}\n{e.StackTrace}");
        }
    }

    public string NewDisk(string name)
    {
        var path = Folder[name + ".img"];
        using var file = File.Create(path);
        file.SetLength(64 << 20);
        return path;
    }

    public ValueTask DisposeAsync()
    {
        machines.Dispose();
        Controller.Dispose();
        Folder.Dispose();
        Directory.Delete(Controller.Releases, recursive: true);
        return ValueTask.CompletedTask;
    }
}

using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// One test's rack: network, the real controller, machines; all gone with it, the logs kept. All that happens in it shares one budget
/// of time.
/// </summary>
internal sealed class Rack : IAsyncDisposable
{
    private readonly MachineGroup machines = new();

    private Rack(Build build, LabFolder folder, Budget budget) => (Build, Folder, Budget, Over) = (build, folder, budget, budget.Token);

    /// <summary>A bare machine; each rack is a world of its own, so that all may have the same.</summary>
    public static VirtualMachineOptions Worker => new()
    {
        Name = "worker", Uuid = "5d0f8a44-2222-4c1c-9d6b-2f3d5a7b9c10", Nics = [new VirtualNic("52:54:00:aa:00:02")],
    };

    public Build Build { get; }
    public LabFolder Folder { get; }
    public LabNetwork Network { get; private set; } = null!;
    public NativeController Controller { get; private set; } = null!;

    /// <summary>May log in on its machines.</summary>
    private SshKey Administrator { get; set; } = null!;

    public Budget Budget { get; }

    /// <summary>Cancelled when the budget is spent or a machine failed.</summary>
    public CancellationToken Over { get; private set; }

    /// <param name="build">With the release that the controller serves; null for the one under test.</param>
    /// <param name="minutes">The budget: five times what the scenario takes on two busy cores.</param>
    public static async Task<Rack> CreateAsync(
        Build? build = null, double minutes = 5, int menuSeconds = 1, [CallerMemberName] string name = "")
    {
        build ??= new Build();
        var folder = LabFolder.Create(Path.Combine(build.Out, "test"), name);
        var rack = new Rack(build, folder, new Budget(TimeSpan.FromMinutes(minutes)));
        try
        {
            rack.Network = await LabNetwork.CreateAsync(folder, $"{NativeController.Address}/24", rack.Over);
            rack.Administrator = await SshKey.MakeAsync(folder, rack.Over);
            rack.Controller = await NativeController.StartAsync(build, folder, rack.Network, rack.Over, menuSeconds: menuSeconds,
                administrator: rack.Administrator);
            return rack;
        }
        catch
        {
            folder.Dispose();
            rack.Budget.Dispose();
            throw;
        }
    }

    public Task<VirtualMachine> PowerOnAsync(VirtualMachineOptions options) => machines.StartAsync(options, Network, Folder, Over);

    /// <summary>Powers a machine on that starts the kernel at once, with the initramfs, anchor and arguments of the boot menu.</summary>
    public async Task<VirtualMachine> StartKernelAsync(VirtualMachineOptions options) =>
        await PowerOnAsync(options with { Kernel = await BootEntry.ReadAsync(this, options.Nics[0].Mac) });

    /// <summary>Waits, while the budget lasts, until a machine's console shows a pattern.</summary>
    public Task<Match> ShowsAsync(VirtualMachine machine, string pattern) =>
        machine.Console.WaitForAsync(pattern, Budget.Left, default);

    /// <summary>Waits until the worker's agent says who it is, and the controller that it is up.</summary>
    /// <returns>The boot record that it sent.</returns>
    public async Task<JsonElement> EnrolledAsync(VirtualMachine machine)
    {
        var match = await ShowsAsync(machine, @"operos-worker: enrolled as ([0-9a-f-]{36})");
        var id = match.Groups[1].Value;
        await UpAsync(id);
        return Parse(await DetailAsync(id, "bootRecord"));
    }

    /// <summary>Waits until a machine with the bare release has told all; its boot record and inventory.</summary>
    public async Task<(JsonElement BootRecord, string Inventory)> TellsAsync(VirtualMachine machine)
    {
        var match = await ShowsAsync(machine, @"bare: boot record\s+(\{[\s\S]+\})\s+bare: inventory\s+(\{[\s\S]+\})\s+bare: end");
        return (Parse(match.Groups[1].Value), match.Groups[2].Value);
    }

    /// <summary>Waits until the controller says that a worker is connected.</summary>
    public Task UpAsync(string id) =>
        (Budget.Wait($"the controller says that {id} is up, which has enrolled") with
            { Pause = TimeSpan.FromSeconds(0.5), LooksAgain = true }).UntilAsync(
            async () => (await Controller.WorkersAsync(Over)).Any(worker => worker.Id == id && worker.State == "up"), Over);

    /// <summary>Runs a command on a worker, by SSH; its output.</summary>
    public Task<string> SshAsync(ClusterMachine worker, string command) =>
        Administrator.RunAsync(Network, worker.Address!, command, Over);

    /// <summary>A part of what the controller keeps about a machine, such as <c>inventory</c>: JSON.</summary>
    public async Task<string> DetailAsync(string id, string part)
    {
        var detail = Parse(await Controller.CtlAsync(["machines", "show", id, "--json"], Over));
        return Encoding.UTF8.GetString(detail.GetProperty(part).GetBytesFromBase64());
    }

    /// <summary>Runs a test's body, which ends as soon as a machine fails; a failure carries each machine's console.</summary>
    public async Task WatchAsync(Func<Task> body)
    {
        try
        {
            await machines.RunAsync(async token =>
            {
                Over = token;
                await body();
            }, Budget.Token);
        }
        catch (Exception e)
        {
            var controller = string.Join('\n', File.ReadLines(Controller.LogPath).TakeLast(25));
            var message = Budget.Why(e);
            var told = $"{message}\n\n{machines.Describe(message)}\n\ncontroller ({Controller.LogPath})\n{controller}";
            throw new LabException($"{told}\n{e.StackTrace}");
        }
        finally { Over = Budget.Token; }
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
        // Logs stay; what is large does not.
        foreach (var large in (string[])[Controller.Releases, Folder["replaced-release"]])
            if (Directory.Exists(large)) Directory.Delete(large, recursive: true);
        File.Delete(BootEntry.InitramfsPath(this));
        Budget.Dispose();
        return ValueTask.CompletedTask;
    }

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}

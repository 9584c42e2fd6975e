using System.Diagnostics;
using System.Globalization;

namespace Operos.Lab;

/// <summary>
/// A controller and two workers, which are guests that boot from the network, one by each firmware, on one switch. The controller is a
/// guest on its own disk, or native: then only what a worker's kernel and firmware do is emulated. What is done with it has one budget for
/// all its waits.
/// </summary>
public sealed class Cluster : IAsyncDisposable
{
    public const string HostAddress = "10.77.0.2";

    /// <summary>Three emulated machines: 6 GiB of their own, and what QEMU keeps of translated code.</summary>
    private const long NeededGiB = 8;

    /// <summary>Each question costs the controller, which is emulated, a handshake: what takes long is asked for less often.</summary>
    private static readonly TimeSpan ShortestGlance = TimeSpan.FromSeconds(1), LongestGlance = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(30);

    private readonly Build build;
    private readonly MachineGroup machines = new();
    private readonly Operosctl operosctl;
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly string admin;
    private readonly SshKey sshKey;
    private readonly List<VirtualMachine> workers = [];
    private readonly ControllerDisk? disk;
    private readonly NativeCluster? native;
    private Budget budget;
    private VirtualMachine? controller;

    private Cluster(Build build, LabFolder folder, LabNetwork network, string admin, SshKey sshKey, Budget budget,
        ControllerDisk? disk, NativeCluster? native)
    {
        (this.build, Folder, Network, this.admin, this.sshKey, this.budget) = (build, folder, network, admin, sshKey, budget);
        (this.disk, this.native, Token) = (disk, native, budget.Token);
        operosctl = new Operosctl(build, network, admin);
    }

    public LabFolder Folder { get; }
    public LabNetwork Network { get; }
    /// <summary>Its guests, in the order of their power on, those too that were switched off since.</summary>
    public IReadOnlyList<VirtualMachine> Machines => machines.Machines;
    /// <summary>Those of them that are workers.</summary>
    public IReadOnlyList<VirtualMachine> Workers => workers;
    /// <summary>Completes with the first failure of a machine.</summary>
    public Task<LabException> Failure => machines.Failure;
    public Build Build => build;

    /// <summary>What is left of the budget; a wait's patience.</summary>
    public TimeSpan Left => budget.Left;

    /// <summary>Ends with the budget, and while the cluster is watched with the first machine that fails.</summary>
    public CancellationToken Token { get; private set; }

    /// <summary>As the operator; there once it was issued.</summary>
    public Kubectl Kubectl { get => field ?? throw new InvalidOperationException("no kubeconfig was issued yet"); internal set; } = null!;

    /// <summary>Sets a controller up and writes its disk; nothing is switched on yet.</summary>
    /// <param name="folder">Taken over, also where it fails.</param>
    /// <exception cref="LabException">This host has too little memory, or the disk could not be made.</exception>
    public static async Task<Cluster> CreateAsync(Build build, LabFolder folder, Budget budget)
    {
        try
        {
            RequireMemory();
            var network = await LabNetwork.CreateAsync(folder, $"{HostAddress}/24", budget.Token).ConfigureAwait(false);
            var disk = await ControllerDisk.MakeAsync(build, folder, budget.Token).ConfigureAwait(false);
            return new Cluster(build, folder, network, disk.Admin, disk.SshKey, budget, disk, native: null);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Starts a native controller; the workers are still to be switched on.</summary>
    /// <param name="folder">Taken over, also where it fails.</param>
    /// <param name="configuration">Further tables of the controller's configuration.</param>
    /// <exception cref="LabException">It does not start.</exception>
    public static async Task<Cluster> StartNativeAsync(Build build, LabFolder folder, Budget budget, string configuration = "")
    {
        try
        {
            var key = await SshKey.MakeAsync(folder, budget.Token).ConfigureAwait(false);
            var options = new NativeClusterOptions { Workers = 0, Administrator = key, Configuration = configuration };
            var native = await NativeCluster.StartAsync(build, folder, options, budget.Token).ConfigureAwait(false);
            return new Cluster(build, folder, native.Network, native.Admin, key, budget, disk: null, native);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Switches a controller on that is a guest.</summary>
    public async Task PowerOnControllerAsync() =>
        controller = await machines.StartAsync(disk!.Machine, Network, Folder, Token).ConfigureAwait(false);

    /// <summary>Of each disk of a worker: room for local storage and an OSD, and sparse.</summary>
    public const long DiskBytes = 10L << 30;

    /// <summary>
    /// Switches workers on. Nothing is configured on them; the first has two blank disks, and room for a third.
    /// </summary>
    /// <param name="count">Of them the second is by UEFI, and the others by BIOS, which boots faster.</param>
    /// <param name="disks">Of each but the first, at most two.</param>
    public async Task PowerOnWorkersAsync(int count = 2, int memoryMiB = 1536, int disks = 2)
    {
        for (var number = 1; number <= count; number++)
        {
            var firmware = number == 2 ? Firmware.Uefi : Firmware.Bios;
            workers.Add(await machines.StartAsync(new VirtualMachineOptions
            {
                Name = $"worker-{number}-{firmware.ToString().ToLowerInvariant()}", Firmware = firmware, MemoryMiB = memoryMiB,
                Uuid = $"0f2c6d1e-7a51-4e0b-8a3d-9d0c5b1e010{number}", Nics = [new VirtualNic($"52:54:00:77:01:0{number}")],
                Disks = [.. new[] { DiskBus.Virtio, DiskBus.Sata }.Take(number == 1 ? 2 : disks).Select(bus =>
                    VirtualDisk.Blank(Folder, $"OPEROS-{number}-{bus.ToString().ToUpperInvariant()}", DiskBytes, bus))],
                HasSlot = true, YieldsToController = true,
            }, Network, Folder, Token).ConfigureAwait(false));
        }
    }

    /// <summary>The guest that the controller knows as a worker.</summary>
    public async Task<VirtualMachine> GuestAsync(ClusterMachine worker)
    {
        var uuid = (await SshAsync(worker.Address!, "cat /sys/class/dmi/id/product_uuid").ConfigureAwait(false)).Trim();
        return workers.Single(guest => string.Equals(guest.Options.Uuid, uuid, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Pulls the controller's plug and switches it on again: the same disk, nothing else.</summary>
    public async Task CutControllersPowerAsync()
    {
        if (native is not null)
        {
            await native.RestartControllerAsync(Token).ConfigureAwait(false);
            return;
        }
        controller!.Dispose();
        // Its console and QEMU's log are kept beside those of the first.
        var again = controller.Options with { Name = "controller-again" };
        controller = await machines.StartAsync(again, Network, Folder, Token).ConfigureAwait(false);
    }

    /// <summary>operosctl as the operator; what it printed.</summary>
    public Task<string> CtlAsync(params IEnumerable<string> arguments) => operosctl.RunAsync(arguments, Token, AnswerPatience);

    public Task<string> SshAsync(string address, string command, CancellationToken? limit = null) =>
        sshKey.RunAsync(Network, address, command, limit ?? Token);

    /// <param name="patience">For the controller's answer; null for 30 s.</param>
    public Task<IReadOnlyList<ClusterMachine>> ListAsync(TimeSpan? patience = null) =>
        operosctl.MachinesAsync(Token, patience ?? AnswerPatience);

    public async Task<IReadOnlyList<ClusterMachine>> WorkersAsync() =>
        [.. (await ListAsync().ConfigureAwait(false)).Where(machine => machine.IsWorker)];

    /// <summary>The disks of a machine.</summary>
    public async Task<IReadOnlyList<ListedDisk>> DisksAsync(string machine) =>
        [.. (await operosctl.DisksAsync(Token, AnswerPatience).ConfigureAwait(false)).Where(disk => disk.Machine == machine)];

    /// <summary>Waits for the disks of a machine to be so, as long as the budget lasts.</summary>
    /// <exception cref="LabException">It is used up; with the last answer.</exception>
    public Task UntilDisksAsync(string machine, string what, Func<IReadOnlyList<ListedDisk>, bool> hold) => UntilAsync(what, async () =>
    {
        var disks = await DisksAsync(machine).ConfigureAwait(false);
        return (hold(disks), string.Join("; ", disks));
    });

    /// <summary>Waits for operosctl to print a text, as long as the budget lasts.</summary>
    /// <param name="arguments">operosctl's.</param>
    /// <exception cref="LabException">It is used up; with what was printed last.</exception>
    public Task UntilPrintedAsync(string what, string text, params IReadOnlyList<string> arguments) => UntilAsync(what, async () =>
    {
        var printed = await CtlAsync(arguments).ConfigureAwait(false);
        return (printed.Contains(text, StringComparison.Ordinal), printed);
    });

    /// <summary>Waits for the cluster to be so, as long as the budget lasts.</summary>
    /// <exception cref="LabException">It is used up; with the last answer.</exception>
    public Task UntilAsync(string what, Func<ClusterStatus, bool> holds) => UntilAsync(what, async () =>
    {
        var status = await operosctl.StatusAsync(Token, AnswerPatience).ConfigureAwait(false);
        return (holds(status), status.ToString());
    });

    /// <summary>Waits until all that was switched on is up, and Ready where it is a node, and every component is healthy.</summary>
    public Task UntilWholeAsync(string what) => UntilAsync(what, async () =>
    {
        var status = await operosctl.StatusAsync(Token, AnswerPatience).ConfigureAwait(false);
        var count = 1 + workers.Count;
        if (build.HasKubernetes) return (status.ReadyNodes.Count == count && status.IsHealthy, status.ToString());
        var list = await ListAsync().ConfigureAwait(false);
        return (list.Count == count && list.All(machine => machine.State == "up") && status.IsHealthy, string.Join(", ", list));
    });

    public async Task IssueKubeconfigAsync() =>
        Kubectl = await Kubectl.CreateAsync(build, Folder, Network, admin, Token).ConfigureAwait(false);

    public async Task ApplyAsync(string name, string manifest)
    {
        await File.WriteAllTextAsync(Folder[name + ".yaml"], manifest, Token).ConfigureAwait(false);
        await Kubectl.RunAsync(Token, "apply", "-f", Folder[name + ".yaml"]).ConfigureAwait(false);
    }

    /// <summary>
    /// Runs what is done with it, within a budget of its own; a failure carries what an operator would ask, each machine's console and
    /// command line.
    /// </summary>
    /// <exception cref="LabException">It failed, or the budget is used up.</exception>
    public async Task WatchAsync(TimeSpan within, Func<Task> body)
    {
        budget.Dispose();
        budget = new Budget(within);
        Token = budget.Token;
        try { await RunAsync(body).ConfigureAwait(false); }
        catch (Exception e)
        {
            var asked = await DescribeAsync().ConfigureAwait(false);
            throw new LabException($"{budget.Why(e)}\n{asked}\n{machines.Describe(e.Message)}\n{e.StackTrace}");
        }
    }

    /// <summary>Runs what is done with it; that ends with the budget, or as soon as a machine fails.</summary>
    /// <exception cref="LabException">A machine failed; the message says which and how.</exception>
    public async Task RunAsync(Func<Task> body)
    {
        try
        {
            await machines.RunAsync(async token =>
            {
                Token = token;
                await body().ConfigureAwait(false);
            }, budget.Token).ConfigureAwait(false);
        }
        finally { Token = budget.Token; }
    }

    /// <summary>A line with the time since the cluster was made, and what QEMU has used since.</summary>
    public void Tell(string what) => Console.WriteLine($"{Path.GetFileName(Folder.Path)}: {clock.Elapsed:mm\\:ss\\.f} {what} "
        + $"({Machines.Sum(machine => machine.ProcessorTime.TotalSeconds):0} processor seconds of QEMU)");

    public ValueTask DisposeAsync()
    {
        machines.Dispose();
        native?.Dispose();
        Folder.Dispose();
        budget.Dispose();
        return ValueTask.CompletedTask;
    }

    private static void RequireMemory()
    {
        var line = File.ReadLines("/proc/meminfo").First(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal));
        var available = long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1048576.0;
        if (available < NeededGiB)
            throw new LabException(
                $"a cluster of three emulated machines needs {NeededGiB} GiB of free memory, and {available:0.0} GiB are "
                + "available on this host (MemAvailable in /proc/meminfo): end other programs, or give it more");
    }

    /// <summary>The ends of the consoles, and what an operator would ask.</summary>
    private async Task<string> DescribeAsync()
    {
        var consoles = string.Join('\n', Machines.Select(machine => $"{machine.Options.Name}: {machine.Console.Tail(4)}"));
        // A controller that stands still answers nothing.
        if (native is null && controller?.Failure.IsCompleted != false) return consoles;
        return $"{consoles}\n{await ClusterDiagnosis.TellAsync(operosctl, Looks).ConfigureAwait(false)}";

        IEnumerable<Func<CancellationToken, Task<string>>> Looks(IReadOnlyList<ClusterMachine> known) =>
            from machine in known
            where machine is { IsWorker: true, Address: not null }
            select (Func<CancellationToken, Task<string>>)(limit => SshAsync(machine.Address!, ClusterDiagnosis.Look, limit));
    }

    /// <summary>Waits for something to be so, as long as the budget lasts.</summary>
    public async Task UntilAsync(string what, Func<Task<(bool Holds, string Seen)>> look)
    {
        var wait = budget.Wait(what) with { Pause = ShortestGlance, LongestPause = LongestGlance, LooksAgain = true };
        await wait.UntilAsync(async () =>
        {
            var (holds, seen) = await look().ConfigureAwait(false);
            return holds ? true : throw new LabException(seen);
        }, Token).ConfigureAwait(false);
        Tell(what);
    }
}

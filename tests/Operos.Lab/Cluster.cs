using System.Diagnostics;
using System.Globalization;

namespace Operos.Lab;

/// <summary>
/// A controller from its disk and two workers from the network, one by each firmware, on one switch. Booted here or woken from a
/// <see cref="SavedCluster"/>; all its waits together have one budget, which it takes over.
/// </summary>
public sealed class Cluster : IAsyncDisposable
{
    public const string HostAddress = "10.77.0.2";

    /// <summary>Three emulated machines: 6 GiB of their own, what QEMU keeps of translated code, and what copies write.</summary>
    private const long NeededGiB = 8;

    /// <summary>Each question costs the controller, which is emulated, a handshake: what takes long is asked for less often.</summary>
    private static readonly TimeSpan ShortestGlance = TimeSpan.FromSeconds(1), LongestGlance = TimeSpan.FromSeconds(10);

    private const string LeaseTimes = "jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name} {.spec.renewTime}{\"\\n\"}{end}";

    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(30);

    private readonly Build build;
    private readonly MachineGroup machines;
    private readonly Operosctl operosctl;
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly Budget budget;
    private readonly DateTime? woken;
    private VirtualMachine? controller;
    private bool saved;

    /// <param name="machines">The controller first; none where it is still to be switched on.</param>
    /// <param name="woken">The guests' wall time at which they went on, where they were saved.</param>
    internal Cluster(Build build, LabFolder folder, LabNetwork network, ControllerDisk disk, Budget budget, MachineGroup machines,
        DateTime? woken = null)
    {
        (this.build, Folder, Network, Disk, this.budget, this.machines, this.woken) =
            (build, folder, network, disk, budget, machines, woken);
        (controller, Token) = (machines.Machines.Count > 0 ? machines.Machines[0] : null, budget.Token);
        operosctl = new Operosctl(build, network, disk.Admin);
    }

    public LabFolder Folder { get; }
    public LabNetwork Network { get; }
    public ControllerDisk Disk { get; }
    /// <summary>In the order of their power on, those too that were switched off since.</summary>
    public IReadOnlyList<VirtualMachine> Machines => machines.Machines;
    /// <summary>Completes with the first failure of a machine.</summary>
    public Task<LabException> Failure => machines.Failure;
    public VirtualMachine Controller => controller ?? throw new InvalidOperationException("the controller was not switched on yet");
    public Build Build => build;

    /// <summary>Since it was switched on or woken.</summary>
    public TimeSpan Elapsed => clock.Elapsed;

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
            return new Cluster(build, folder, network, disk, budget, new MachineGroup());
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <param name="savable">It is to be saved: its memory is a file.</param>
    public async Task PowerOnControllerAsync(bool savable = false) =>
        controller = await PowerOnAsync(Disk.Machine, savable).ConfigureAwait(false);

    /// <summary>Of each disk of a worker: room for local storage and an OSD, and sparse.</summary>
    public const long DiskBytes = 10L << 30;

    /// <summary>Switches the workers on. Nothing is configured on them; both have two blank disks, and room for a third.</summary>
    public async Task PowerOnWorkersAsync(bool savable = false)
    {
        foreach (var (number, firmware) in new[] { (1, Firmware.Bios), (2, Firmware.Uefi) })
            await PowerOnAsync(new VirtualMachineOptions
            {
                Name = $"worker-{number}-{firmware.ToString().ToLowerInvariant()}", Firmware = firmware, MemoryMiB = 1536,
                Uuid = $"0f2c6d1e-7a51-4e0b-8a3d-9d0c5b1e010{number}", Nics = [new VirtualNic($"52:54:00:77:01:0{number}")],
                Disks =
                [
                    VirtualDisk.Blank(Folder, $"OPEROS-{number}-VIRTIO", DiskBytes),
                    VirtualDisk.Blank(Folder, $"OPEROS-{number}-SATA", DiskBytes, DiskBus.Sata),
                ],
                HasSlot = true, YieldsToController = true,
                ClockBehind = Controller.ClockBehind,
            }, savable).ConfigureAwait(false);
    }

    /// <summary>Pulls the controller's plug and switches it on again: the same disk, nothing else.</summary>
    public async Task CutControllersPowerAsync()
    {
        var options = Controller.Options with
        {
            Name = "controller-again", Memory = null, Wakes = null, ClockBehind = Controller.ClockBehind,
        };
        Controller.Dispose();
        controller = await machines.StartAsync(options, Network, Folder, Token).ConfigureAwait(false);
    }

    /// <summary>operosctl as the operator; what it printed.</summary>
    public Task<string> CtlAsync(params IEnumerable<string> arguments) => operosctl.RunAsync(arguments, Token, AnswerPatience);

    public Task<string> SshAsync(string address, string command, CancellationToken? limit = null) =>
        Disk.SshKey.RunAsync(Network, address, command, limit ?? Token);

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

    /// <summary>Waits until all three machines are up, and Ready where they are nodes, and every component is healthy.</summary>
    public Task UntilWholeAsync(string what) => UntilAsync(what, async () =>
    {
        var status = await operosctl.StatusAsync(Token, AnswerPatience).ConfigureAwait(false);
        if (build.HasKubernetes) return (status.ReadyNodes.Count == 3 && status.IsHealthy, status.ToString());
        var list = await ListAsync().ConfigureAwait(false);
        return (list.Count == 3 && list.All(machine => machine.State == "up") && status.IsHealthy, string.Join(", ", list));
    });

    public async Task IssueKubeconfigAsync() =>
        Kubectl = await Kubectl.CreateAsync(build, Folder, Network, Disk.Admin, Token).ConfigureAwait(false);

    public async Task ApplyAsync(string name, string manifest)
    {
        await File.WriteAllTextAsync(Folder[name + ".yaml"], manifest, Token).ConfigureAwait(false);
        await Kubectl.RunAsync(Token, "apply", "-f", Folder[name + ".yaml"]).ConfigureAwait(false);
    }

    /// <summary>
    /// Saves all machines at one moment and switches them off. What they had sent each other is lost, as on a wire that is cut for an
    /// instant, and sent again by TCP. A connection to this host would be half one: there must be none.
    /// </summary>
    public async Task<SavedCluster> SaveAsync(ClusterState state)
    {
        var open = await Network.RunAsync("ss", ["-Htn", "state", "established"], Token).ConfigureAwait(false);
        if (open.Length > 0) throw new LabException($"the cluster cannot be saved while this host is connected to it:\n{open}");
        await Task.WhenAll(Machines.Select(machine => machine.PauseAsync(Token))).ConfigureAwait(false);
        var moment = DateTime.UtcNow - Controller.ClockBehind;
        var all = await Task.WhenAll(Machines.Select(machine => machine.SaveAsync(Token))).ConfigureAwait(false);
        saved = true;
        Tell($"saved as: {state}");
        return new SavedCluster(build, Disk, state, all, moment, HasNodes(state) ? Kubectl.Kubeconfig : null);
    }

    /// <summary>
    /// What was healthy when it was saved says so still: this waits until it is so again. Each kubelet must have renewed its Lease since,
    /// and so must whoever else holds one; all of that goes through the network, the API server and etcd.
    /// </summary>
    internal async Task ProveAsync(ClusterState state)
    {
        if (state == ClusterState.Serving) await UntilAsync("the controller answers", _ => true).ConfigureAwait(false);
        else await UntilWholeAsync("all is well").ConfigureAwait(false);
        if (HasNodes(state)) await UntilAsync("every Lease was renewed", RenewedAsync).ConfigureAwait(false);
        Tell($"QEMU used {Machines.Sum(machine => machine.ProcessorTime.TotalSeconds):0.0} processor seconds so far");

        async Task<(bool, string)> RenewedAsync()
        {
            var leases = await Kubectl.RunAsync(Token, "get", "leases", "-A", "-o", LeaseTimes).ConfigureAwait(false);
            var lines = leases.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).ToList();
            var renewed = lines.All(words =>
                DateTime.Parse(words[2], CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal) > woken);
            return (renewed && lines.Count(words => words[0] == "kube-node-lease") == 3, leases);
        }
    }

    /// <summary>Runs what is done with it; a failure carries what an operator would ask, each machine's console and command line.</summary>
    /// <exception cref="LabException">It failed, or the budget is used up.</exception>
    public async Task WatchAsync(Func<Task> body)
    {
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

    /// <summary>A line with the time since the cluster was switched on or woken.</summary>
    public void Tell(string what) => Console.WriteLine($"{Path.GetFileName(Folder.Path)}: {clock.Elapsed:mm\\:ss\\.f} {what}");

    public ValueTask DisposeAsync()
    {
        machines.Dispose();
        if (!saved) foreach (var machine in Machines) machine.Options.Memory?.Dispose();
        Folder.Dispose();
        budget.Dispose();
        return ValueTask.CompletedTask;
    }

    private bool HasNodes(ClusterState state) => state != ClusterState.Serving && build.HasKubernetes;

    internal static void RequireMemory()
    {
        var line = File.ReadLines("/proc/meminfo").First(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal));
        var available = long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1048576.0;
        if (available < NeededGiB)
            throw new LabException(
                $"a cluster of three emulated machines needs {NeededGiB} GiB of free memory, and {available:0.0} GiB are "
                + "available on this host (MemAvailable in /proc/meminfo): end other programs, or give it more");
    }

    private Task<VirtualMachine> PowerOnAsync(VirtualMachineOptions options, bool savable) =>
        machines.StartAsync(options with { Memory = savable ? MemoryFile.Create(Folder.Path, options.MemoryMiB) : null }, Network, Folder,
            Token);

    /// <summary>The ends of the consoles, and what an operator would ask.</summary>
    private async Task<string> DescribeAsync()
    {
        var consoles = string.Join('\n', Machines.Select(machine => $"{machine.Options.Name}: {machine.Console.Tail(4)}"));
        // A controller that stands still answers nothing.
        if (Machines.Count == 0 || Controller.Failure.IsCompleted) return consoles;
        return $"{consoles}\n{await ClusterDiagnosis.TellAsync(operosctl, Looks).ConfigureAwait(false)}";

        IEnumerable<Func<CancellationToken, Task<string>>> Looks(IReadOnlyList<ClusterMachine> known) =>
            from machine in known
            where machine is { IsWorker: true, Address: not null }
            select (Func<CancellationToken, Task<string>>)(limit => SshAsync(machine.Address!, ClusterDiagnosis.Look, limit));
    }

    private async Task UntilAsync(string what, Func<Task<(bool Holds, string Seen)>> look)
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

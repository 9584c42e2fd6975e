using System.Text.Json;

namespace Operos.Lab;

/// <summary>How a native cluster is set up.</summary>
public sealed record NativeClusterOptions
{
    public int Workers { get; init; } = 2;

    /// <summary><c>auto</c>, or <c>approve</c>: each worker then waits until an operator lets it in, which the start does.</summary>
    public string Admission { get; init; } = "auto";

    /// <summary>How long a machine that boots from the network shows its menu.</summary>
    public int MenuSeconds { get; init; } = 1;

    /// <summary>Who may log in on every machine; null for nobody.</summary>
    public SshKey? Administrator { get; init; }

    /// <summary>Further tables of the controller's configuration.</summary>
    public string Configuration { get; init; } = "";
}

/// <summary>
/// A whole cluster without a boot: the controller's and the workers' real roots with their real units, each a machine of its own on the
/// rack's switch. The workers enrol by the control protocol; an operator's programs run beside them, at 10.77.0.2.
/// </summary>
public sealed class NativeCluster : IDisposable
{
    public const string Outside = "10.77.0.2";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3), Glance = TimeSpan.FromSeconds(0.5);
    private readonly Build build;
    private readonly LabFolder folder;
    private readonly List<NativeMachine> workers = [];
    private readonly Operosctl operosctl;
    private readonly ControllerSetup setup;
    private NativeMachine? controller;

    private NativeCluster(Build build, LabFolder folder, LabNetwork network, NativeClusterOptions options)
    {
        (this.build, this.folder, Network) = (build, folder, network);
        setup = new ControllerSetup
        {
            Admission = options.Admission, MenuSeconds = options.MenuSeconds, Administrator = options.Administrator,
            Configuration = options.Configuration,
        };
        operosctl = new Operosctl(build, network, Admin);
    }

    public LabNetwork Network { get; }
    public NativeMachine Controller => controller ?? throw new LabException("the cluster has no controller yet");
    public IReadOnlyList<NativeMachine> Workers => workers;

    /// <summary>The operator's credentials for operosctl.</summary>
    public string Admin => folder["setup/admin"];

    /// <summary>The controller's state partition, which is a folder here.</summary>
    public string State => folder["setup/state"];

    /// <summary>Starts all machines at once; nothing is waited for but an operator's word where one is needed.</summary>
    public static async Task<NativeCluster> StartAsync(
        Build build, LabFolder folder, NativeClusterOptions options, CancellationToken cancellationToken)
    {
        if (!build.HasKubernetes) throw new LabException("the layers are without Kubernetes: run make KUBERNETES=1 release first");
        var network = await LabNetwork.CreateAsync(folder, $"{Outside}/24", cancellationToken).ConfigureAwait(false);
        var cluster = new NativeCluster(build, folder, network, options);
        try
        {
            await cluster.setup.RunAsync(build, folder, cancellationToken).ConfigureAwait(false);
            cluster.controller = await StartMachineAsync(cluster.DescribeController()).ConfigureAwait(false);
            for (var number = 1; number <= options.Workers; number++)
                cluster.workers.Add(await StartMachineAsync(cluster.DescribeWorker(number)).ConfigureAwait(false));
            if (options.Admission == "approve") await cluster.ApproveAsync(options.Workers, cancellationToken).ConfigureAwait(false);
            return cluster;
        }
        catch (LabException e) when (cluster.controller is not null)
        {
            // Whoever waits for it gets no cluster to ask.
            var told = await cluster.DescribeAsync().ConfigureAwait(false);
            cluster.Dispose();
            throw new LabException($"{e.Message}\n{told}");
        }
        catch
        {
            cluster.Dispose();
            throw;
        }

        Task<NativeMachine> StartMachineAsync(NativeMachineOptions machine) =>
            NativeMachine.StartAsync(build, folder, network, machine, cancellationToken);
    }

    /// <summary>Another controller in the place of one whose disk is lost: just set up, with an authority of its own.</summary>
    public async Task ReplaceControllerAsync(CancellationToken cancellationToken)
    {
        Controller.Dispose();
        foreach (var name in (string[])["setup/state", "setup/upper", "controller"]) Directory.Delete(folder[name], recursive: true);
        var admin = folder["setup/admin"];
        Directory.Move(admin, folder["admin"]);
        await setup.RunAsync(build, folder, cancellationToken).ConfigureAwait(false);
        // The operator has the credentials of the cluster, and none of the new disk.
        Directory.Delete(admin, recursive: true);
        Directory.Move(folder["admin"], admin);
        controller = await NativeMachine.StartAsync(build, folder, Network, DescribeController(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The controller starts anew, with its disk.</summary>
    public async Task RestartControllerAsync(CancellationToken cancellationToken)
    {
        Controller.Dispose();
        await Controller.StartAgainAsync(cancellationToken).ConfigureAwait(false);
    }

    public Task<string> CtlAsync(CancellationToken cancellationToken, params IEnumerable<string> arguments) =>
        operosctl.RunAsync(arguments, cancellationToken);

    public Task<ClusterStatus> StatusAsync(CancellationToken cancellationToken) => operosctl.StatusAsync(cancellationToken);

    /// <summary>The workers that the controller knows or that wait.</summary>
    public Task<IReadOnlyList<ClusterMachine>> WorkersAsync(CancellationToken cancellationToken) =>
        operosctl.WorkersAsync(cancellationToken);

    /// <summary>The id under which the controller knows a machine, itself too, or lets it wait.</summary>
    public async Task<string> IdOfAsync(NativeMachine machine, CancellationToken cancellationToken)
    {
        var known = await operosctl.MachinesAsync(cancellationToken).ConfigureAwait(false);
        var found = known.FirstOrDefault(other => other.Address == machine.Address);
        return found?.Id ?? throw new LabException($"the controller does not know {machine.Name} ({machine.Address}) yet");
    }

    /// <summary>Lets in that many workers which wait for an operator.</summary>
    public async Task ApproveAsync(int count, CancellationToken cancellationToken)
    {
        var approved = new HashSet<string>(StringComparer.Ordinal);
        await new Wait($"{count} workers ask to join", Patience) { Pause = Glance, LooksAgain = true }.UntilAsync(async () =>
        {
            var known = await WorkersAsync(cancellationToken).ConfigureAwait(false);
            foreach (var machine in known.Where(machine => machine.State == "pending" && !approved.Contains(machine.Id)))
            {
                await CtlAsync(cancellationToken, "machines", "approve", machine.Id).ConfigureAwait(false);
                approved.Add(machine.Id);
            }
            return approved.Count >= count;
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What an operator would ask next.</summary>
    public Task<string> DescribeAsync() =>
        ClusterDiagnosis.TellAsync(operosctl,
            _ => Machines.Select(machine => (Func<CancellationToken, Task<string>>)machine.DescribeAsync));

    public void Dispose() => Parallel.ForEach(Machines, machine => machine.Dispose());

    private IReadOnlyList<NativeMachine> Machines => controller is null ? [] : [controller, .. workers];

    /// <summary>As <c>images/disk.sh</c> lays out a controller's disk; what its initramfs mounts and writes is the host's.</summary>
    private NativeMachineOptions DescribeController() => new("controller", NativeController.Address, "controller", "node", "base")
    {
        Serial = "CONTROLLER",
        Binds =
        [
            new(WriteBootRecord("controller"), BootRecordPath), new(State, "/run/operos-state", Writable: true),
            new(build.Release, $"/run/operos/images/releases/{Path.GetFileName(build.Release)}"),
        ],
        Prepare = root =>
        {
            root.Copy(folder["setup/upper"]);
            // There is no partition, which the image's own unit would wait for.
            const string Bind = "[Mount]\nWhat=/run/operos-state\nWhere=/var/lib/operos\nType=none\nOptions=bind\n";
            root.Write("etc/systemd/system/var-lib-operos.mount", Bind);
        },
    };

    private NativeMachineOptions DescribeWorker(int number) => new($"w{number}", $"10.77.0.{100 + number}", "worker", "node", "base")
    {
        Serial = $"NATIVE{number}",
        Binds = [new(WriteBootRecord("worker"), BootRecordPath), new(folder["setup/admin/ca.crt"], "/run/operos/anchor/cluster-ca.crt")],
    };

    private const string BootRecordPath = "/run/operos/boot.json";

    /// <summary>What an initramfs would have left; of layers it holds none in RAM.</summary>
    private string WriteBootRecord(string kind)
    {
        var path = folder[kind + ".json"];
        File.WriteAllText(path, JsonSerializer.Serialize(new
        {
            format = 1, bootId = "native", release = Path.GetFileName(build.Release), kind,
            kernelRelease = Environment.OSVersion.Version.ToString(), firmware = "bios",
            control = kind == "worker" ? $"{NativeController.Address}:7443" : null, phases = Array.Empty<object>(),
            layers = Array.Empty<object>(),
        }));
        return path;
    }
}

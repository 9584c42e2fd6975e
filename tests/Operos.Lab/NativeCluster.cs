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
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly Build build;
    private readonly LabFolder folder;
    private readonly List<NativeMachine> workers = [];
    private NativeMachine? controller;

    private NativeCluster(Build build, LabFolder folder, LabNetwork network) =>
        (this.build, this.folder, Network) = (build, folder, network);

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
        var cluster = new NativeCluster(build, folder, network);
        try
        {
            var setup = new ControllerSetup
            {
                Admission = options.Admission, MenuSeconds = options.MenuSeconds, Configuration = options.Configuration,
            };
            await setup.RunAsync(build, folder, cancellationToken).ConfigureAwait(false);
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

    public Task<string> CtlAsync(CancellationToken cancellationToken, params IEnumerable<string> arguments) =>
        Network.RunAsync(build.Binary("operosctl"), [.. arguments, "--config", Admin], cancellationToken);

    public async Task<ClusterStatus> StatusAsync(CancellationToken cancellationToken) =>
        new(await CtlAsync(cancellationToken, "status", "--json").ConfigureAwait(false));

    /// <summary>The workers that the controller knows or that wait, as <c>operosctl machines list --json</c> tells.</summary>
    public async Task<IReadOnlyList<JsonElement>> MachinesAsync(CancellationToken cancellationToken) =>
        [.. (await ListAsync(cancellationToken).ConfigureAwait(false)).Where(machine => machine.GetProperty("kind").GetString() == "worker")];

    /// <summary>The id under which the controller knows a machine, itself too, or lets it wait.</summary>
    public async Task<string> IdOfAsync(NativeMachine machine, CancellationToken cancellationToken)
    {
        var known = await ListAsync(cancellationToken).ConfigureAwait(false);
        var ids = known.Where(other => other.GetProperty("address").GetString() == machine.Address).Select(Id);
        return ids.FirstOrDefault() ?? throw new LabException($"the controller does not know {machine.Name} ({machine.Address}) yet");
    }

    private async Task<IReadOnlyList<JsonElement>> ListAsync(CancellationToken cancellationToken)
    {
        using var json = JsonDocument.Parse(await CtlAsync(cancellationToken, "machines", "list", "--json").ConfigureAwait(false));
        return [.. json.RootElement.GetProperty("machines").EnumerateArray().Select(machine => machine.Clone())];
    }

    /// <summary>Lets in that many workers which wait for an operator.</summary>
    public async Task ApproveAsync(int count, CancellationToken cancellationToken)
    {
        var approved = new HashSet<string>(StringComparer.Ordinal);
        await Eventually.HoldsAsync($"{count} workers ask to join", Patience, async () =>
        {
            var machines = await MachinesAsync(cancellationToken).ConfigureAwait(false);
            var waiting = machines.Where(machine => machine.GetProperty("state").GetString() == "pending").Select(Id);
            foreach (var id in waiting.Where(approved.Add))
                await CtlAsync(cancellationToken, "machines", "approve", id).ConfigureAwait(false);
            return approved.Count >= count;
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What an operator would ask next, in this order: a summary of a run shows a failure's first lines only.</summary>
    public async Task<string> DescribeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var told = new List<string>();
        await TellAsync(() => CtlAsync(limit.Token, "status")).ConfigureAwait(false);
        IReadOnlyList<string> ids = [];
        try { ids = [.. (await MachinesAsync(limit.Token).ConfigureAwait(false)).Select(Id)]; }
        catch (Exception e) when (e is LabException or OperationCanceledException) { told.Add($"machines list: {e.Message}"); }
        foreach (var id in ids) await TellAsync(() => CtlAsync(limit.Token, "why", id)).ConfigureAwait(false);
        foreach (var machine in Machines) await TellAsync(() => machine.DescribeAsync(limit.Token)).ConfigureAwait(false);
        return string.Join('\n', told);

        async Task TellAsync(Func<Task<string>> ask)
        {
            try { told.Add((await ask().ConfigureAwait(false)).Trim()); }
            catch (LabException e) { told.Add(e.Message); }
            catch (OperationCanceledException) { told.Add("no answer within a minute"); }
        }
    }

    public void Dispose() => Parallel.ForEach(Machines, machine => machine.Dispose());

    private IReadOnlyList<NativeMachine> Machines => controller is null ? [] : [controller, .. workers];

    private static string Id(JsonElement machine) => machine.GetProperty("id").GetString()!;

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
            control = kind == "worker" ? $"{NativeController.Address}:7443" : null, phases = Array.Empty<object>(), layers = Array.Empty<object>(),
        }));
        return path;
    }
}

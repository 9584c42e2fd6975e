using System.Diagnostics;
using System.Globalization;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>The real controller with a real control plane, as processes in a network namespace. One for all tests: each leaves it healthy.</summary>
public sealed class Cluster : IAsyncLifetime
{
    public static readonly IReadOnlyList<string> Components = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly Build build = new();
    private LabFolder folder = null!;
    private string admin = "";

    public LabNetwork Network { get; private set; } = null!;
    public NativeController Controller { get; private set; } = null!;
    public TimeSpan TimeToReady { get; private set; }
    public string AddOns => folder["setup/state/add-ons"];
    public string Pki => folder["run/kubernetes/pki"];

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Path.Combine(build.Out, "kubernetes/bin/kube-apiserver"))) throw new LabException("there is no out/kubernetes/bin: run make kubernetes first");
        folder = LabFolder.Create(Path.Combine(build.Out, "test"), "kubernetes");
        try
        {
            Network = await LabNetwork.CreateAsync(folder, $"{NativeController.Address}/24", default);
            var started = Stopwatch.GetTimestamp();
            Controller = await NativeController.StartAsync(build, folder, Network, default, dhcpMode: "off", kubernetes: "enabled = true");
            await HealthyAsync();
            TimeToReady = Stopwatch.GetElapsedTime(started);
            admin = await KubeconfigAsync("admin", "--life", "1h");
        }
        catch (Exception e)
        {
            var log = Controller is not null && File.Exists(Controller.LogPath) ? string.Join('\n', File.ReadLines(Controller.LogPath).TakeLast(20)) : "";
            folder.Dispose();
            throw new LabException($"{e.Message}\n{log}");
        }
    }

    public ValueTask DisposeAsync()
    {
        Controller?.Dispose();
        folder.Dispose();
        if (Controller is not null) Directory.Delete(Controller.Releases, recursive: true);
        return ValueTask.CompletedTask;
    }

    public string PathOf(string name) => folder[name];

    /// <summary>Has a kubeconfig issued; answers with its path.</summary>
    public async Task<string> KubeconfigAsync(string name, params string[] arguments)
    {
        var path = folder[name + ".kubeconfig"];
        await CtlAsync(["kubeconfig", "--out", path, .. arguments]);
        return path;
    }

    public Task<string> CtlAsync(params string[] arguments) => Controller.CtlAsync([.. arguments, "--timeout", "60"], default);

    /// <summary>kubectl as administrator, or with another kubeconfig.</summary>
    public Task<string> KubectlAsync(string arguments, string? kubeconfig = null) =>
        Network.RunAsync(Path.Combine(build.Out, "kubernetes/bin/kubectl"), ["--kubeconfig", kubeconfig ?? admin, "--request-timeout=30s", .. arguments.Split(' ')], default);

    public async Task ApplyAsync(string yaml)
    {
        await File.WriteAllTextAsync(folder["apply.yaml"], yaml);
        await KubectlAsync($"apply -f {folder["apply.yaml"]}");
    }

    /// <summary>What kubectl says when it is refused.</summary>
    public async Task<string> RefusedAsync(string arguments, string? kubeconfig = null) => (await Assert.ThrowsAsync<LabException>(() => KubectlAsync(arguments, kubeconfig))).Message;

    public Task<string> WorkerAsync(string inventory, string state, CancellationToken cancellationToken) =>
        Network.RunAsync(build.Binary("operos-worker"), ["run", "--control", $"{NativeController.Address}:7443", "--ca", folder["setup/admin/ca.crt"], "--inventory", inventory, "--state-dir", state, "--no-apply"], cancellationToken, check: false);

    public async Task<ClusterStatus> StatusAsync() => new(await CtlAsync("status", "--json"));

    /// <summary>Waits until every component is healthy, and for longer than one look.</summary>
    public Task HealthyAsync() => UntilAsync("the control plane is healthy", async () => (await StatusAsync()).AreHealthy(Components.Append("built-in objects")));

    public static async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        var problem = "";
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Patience; await Task.Delay(300))
        {
            try { if (await holds()) return; }
            catch (LabException e) { problem = e.Message; }
        }
        throw new LabException($"not within {Patience.TotalMinutes} min: {what}\n{problem}");
    }

    /// <summary>The process of a component, as the controller recorded it.</summary>
    public int ProcessOf(string component) =>
        int.Parse(File.ReadAllText(folder[$"run/kubernetes/{component}.process"]).Split(' ')[0], CultureInfo.InvariantCulture);

    public IReadOnlyDictionary<string, int> Processes() => Components.ToDictionary(name => name, ProcessOf);
}

[CollectionDefinition("control plane")]
public sealed class ControlPlaneCollection : ICollectionFixture<Cluster>;

using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Lab;
using Operos.Node.Cni;

namespace Operos.Node.Tests;

/// <summary>Nodes as namespaces on one switch, pods made by the real plugins as containerd would call them.</summary>
internal sealed class NodeRack : IAsyncDisposable
{
    /// <summary>Where packets go that lead nowhere else, and the controller's address.</summary>
    public const string Gateway = "10.77.0.1";
    private readonly LabFolder folder;
    private readonly LabNetwork network;
    private readonly CancellationTokenSource stop = new();
    private readonly List<Task> gates = [];
    private int ports;

    private NodeRack(LabFolder folder, LabNetwork network) => (this.folder, this.network) = (folder, network);

    public string this[string name] => folder[name];

    public string RunPath(string node) => folder.ShortPath($"{node}/run");

    public static async Task<NodeRack> CreateAsync(string name)
    {
        var folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), "node-" + name);
        try { return new NodeRack(folder, await LabNetwork.CreateAsync(folder, null, default)); }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public async Task<string> AddHostAsync(string name, string address, int mtu)
    {
        var host = $"{network.Name}-{name}";
        folder.NoteNamespace(host);
        var port = $"port{ports++}";
        foreach (var command in (string[])
        [
            $"netns add {host}", $"-n {host} link set lo up",
            $"-n {network.Name} link add {port} mtu {mtu} type veth peer name eth0 mtu {mtu} netns {host}",
            $"-n {network.Name} link set {port} master br0 up",
            $"-n {host} link set eth0 up", $"-n {host} address add {address}/24 dev eth0",
            .. address == Gateway ? (string[])[] : [$"-n {host} route add default via {Gateway}"],
        ])
            await Shell.RunAsync("ip", command.Split(' '), default);
        return host;
    }

    public async Task<RackNode> AddNodeAsync(string name, string address, string pods, int mtu = 1500)
    {
        var host = await AddHostAsync(name, address, mtu);
        var node = new RackNode(this, name, host, address, pods);
        Directory.CreateDirectory(node.PluginFolder);
        File.CreateSymbolicLink(Path.Combine(node.PluginFolder, CniPlugin.Name), new Build().Binary("operos-worker"));
        var attached = new AttachedPods(node.Paths.AttachedPods);
        var listening = new TaskCompletionSource();
        gates.Add(new GateServer(node.Paths, attached, new OpenPodGate(), NullLogger<GateServer>.Instance)
            .RunAsync(() => listening.SetResult(), stop.Token));
        await listening.Task;
        return node;
    }

    /// <summary>A namespace for a pod, as the runtime makes it.</summary>
    public async Task<string> AddPodNamespaceAsync(string name)
    {
        var pod = $"{network.Name}-{name}";
        folder.NoteNamespace(pod);
        await Shell.RunAsync("ip", ["netns", "add", pod], default);
        await Shell.RunAsync("ip", ["-n", pod, "link", "set", "lo", "up"], default);
        return pod;
    }

    /// <summary>The agents end.</summary>
    public void StopGate() => stop.Cancel();

    /// <summary>Connects from one namespace to another; the address from which the listener sees it come.</summary>
    public async Task<string> AskSourceAsync(string from, string to, string address, int port = 9000)
    {
        using var listener = Inside(to).Listen(port);
        using var client = Inside(from).Connect(address, port);
        using var accepted = await listener.AcceptAsync().WaitAsync(TimeSpan.FromSeconds(5));
        return ((System.Net.IPEndPoint)accepted.RemoteEndPoint!).Address.ToString();
    }

    public Process StartInside(string host, string program, IEnumerable<string> arguments, string log)
    {
        var process = Process.Start(new ProcessStartInfo(
            "sh", ["-c", $"exec nsenter --net=/run/netns/{host} {program} {string.Join(' ', arguments)} >{folder[log]} 2>&1"]))!;
        folder.NoteProcess(process.Id);
        return process;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        foreach (var gate in gates) await gate.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
        folder.Dispose();
    }

    private static NamespaceSockets Inside(string host) => new(host);
}

/// <summary>A node of the rack.</summary>
internal sealed record RackNode(NodeRack Rack, string Name, string Namespace, string Address, string Pods)
{
    private readonly Dictionary<string, JsonObject> results = [];

    public NodePaths Paths => new() { Run = Rack.RunPath(Name), CniConfiguration = Rack[$"{Name}/net.d"] };
    public string PluginFolder => Rack[$"{Name}/cni"];

    public async Task ApplyAsync(params RackNode[] nodes) => await ApplyAsync(expectFailure: false, nodes);

    /// <summary>What the agent does with these nodes; its words.</summary>
    public async Task<string> ApplyAsync(bool expectFailure, params RackNode[] nodes)
    {
        var (code, output) = await ProbeAsync(
            $"apply {Name} 10.10.0.0/16 {Paths.CniConfiguration} {Paths.Run} "
            + $"{string.Join(' ', nodes.Select(node => $"{node.Name}={node.Address}={node.Pods}"))}");
        Assert.True(code == (expectFailure ? 3 : 0), output);
        return output;
    }

    /// <summary>Puts the firewall in force for these nodes; of none: as an agent does whom the API server has told nothing yet.</summary>
    public async Task CloseAsync(params RackNode[] nodes)
    {
        var known = string.Concat(nodes.Select(node => $" {node.Name}={node.Address}={node.Pods}"));
        var (code, output) = await ProbeAsync($"firewall {Name}={Address}{known}");
        Assert.True(code == 0, output);
    }

    /// <summary>What an agent's firewall says that is applied again and again, and opened in between.</summary>
    public async Task<string[]> KeepAsync()
    {
        var (code, output) = await ProbeAsync($"keep {Name}={Address}");
        Assert.True(code == 0, output);
        return output.Split('\n');
    }

    public async Task OpenAsync() => Assert.Equal(0, (await ProbeAsync("open")).Code);

    /// <summary>What an agent does that begins while the API server is away, in the boot after.</summary>
    public async Task RecallAsync(string podNetwork = "10.10.0.0/16")
    {
        var (code, output) = await ProbeAsync($"recall {podNetwork} {Paths.Run}");
        Assert.True(code == 0, output);
    }

    /// <summary>Takes what kube-proxy and the plugins wrote away, as a machine does that leaves.</summary>
    public async Task ClearServicesAsync() => Assert.Equal(0, (await ProbeAsync("services")).Code);

    public async Task ClearAsync() => Assert.Equal(0, (await ProbeAsync($"clear {Paths.CniConfiguration}")).Code);

    public Task<string> RunAsync(string program, string arguments) =>
        Shell.RunAsync("nsenter", [$"--net=/run/netns/{Namespace}", program, .. arguments.Split(' ')], default);

    public Task<string> PingAsync(string address) =>
        Shell.RunAsync("nsenter", [$"--net=/run/netns/{Namespace}", "sh", "-c", $"ping -c1 -W1 {address} 2>&1"], default, check: false);

    /// <summary>Ours, in order.</summary>
    public async Task<IReadOnlyList<string>> RoutesAsync() =>
        [.. (await RunAsync("ip", "route show proto 108")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(" dev ")[0].Trim()).Order(StringComparer.Ordinal)];

    public async Task<RouteMonitor> StartMonitorAsync()
    {
        var log = $"{Name}-monitor.log";
        // IPv4's alone, which the agent keeps: a card's link-local address brings a route of its own when the kernel gets to it.
        var process = Rack.StartInside(Namespace, "ip", ["-4", "monitor", "route"], log);
        await Task.Delay(300);
        return new RouteMonitor(process, Rack[log]);
    }

    public async Task<RackPod> AddPodAsync(string name)
    {
        var (code, output) = await TryAddPodAsync(name);
        Assert.True(code == 0, output);
        return new RackPod(name, (await AddedNamespaceAsync(name))!, JsonNode.Parse(output)!["ips"]![0]!["address"]!.GetValue<string>()
            .Split('/')[0]);
    }

    /// <summary>Calls each plugin of the list with the result of the one before, as libcni does; the first failure ends it.</summary>
    public async Task<(int Code, string Output)> TryAddPodAsync(string name)
    {
        var pod = await Rack.AddPodNamespaceAsync(name);
        namespaces[name] = pod;
        JsonObject? result = null;
        foreach (var plugin in Plugins())
        {
            var (code, output) = await CallAsync("ADD", plugin, name, result);
            if (code != 0) return (code, output);
            result = JsonNode.Parse(output)!.AsObject();
        }
        results[name] = result!;
        return (0, result!.ToJsonString());
    }

    public async Task DeletePodAsync(RackPod pod)
    {
        foreach (var plugin in Plugins().Reverse())
        {
            var (code, output) = await CallAsync("DEL", plugin, pod.Name, results[pod.Name]);
            Assert.True(code == 0, output);
        }
    }

    /// <summary>Calls each plugin to end a pod of which nothing is left to tell; their exit codes.</summary>
    /// <param name="knowsResult">Whether the runtime still has what ADD answered.</param>
    public async Task<IReadOnlyList<(int Code, string Output)>> EndPodAsync(RackPod pod, bool knowsResult)
    {
        var answers = new List<(int, string)>();
        foreach (var plugin in Plugins().Reverse())
            answers.Add(await CallAsync("DEL", plugin, pod.Name, knowsResult ? results[pod.Name] : null));
        return answers;
    }

    private readonly Dictionary<string, string> namespaces = [];

    private Task<string?> AddedNamespaceAsync(string name) => Task.FromResult(namespaces.GetValueOrDefault(name));

    private IEnumerable<JsonObject> Plugins()
    {
        var list = JsonNode.Parse(File.ReadAllText(Path.Combine(Paths.CniConfiguration, Network.CniConfiguration.FileName)))!.AsObject();
        foreach (var plugin in list["plugins"]!.AsArray())
        {
            var configuration = plugin!.DeepClone().AsObject();
            (configuration["cniVersion"], configuration["name"]) = (list["cniVersion"]!.DeepClone(), list["name"]!.DeepClone());
            yield return configuration;
        }
    }

    private async Task<(int Code, string Output)> CallAsync(string command, JsonObject plugin, string pod, JsonObject? result)
    {
        var type = plugin["type"]!.GetValue<string>();
        var path = type == CniPlugin.Name ? Path.Combine(PluginFolder, type) : Path.Combine("/usr/lib/cni", type);
        var configuration = plugin.DeepClone().AsObject();
        if (result is not null) configuration["prevResult"] = result.DeepClone();
        var start = new ProcessStartInfo("nsenter", [$"--net=/run/netns/{Namespace}", path])
            { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (key, value) in new[]
        {
            ("CNI_COMMAND", command), ("CNI_CONTAINERID", pod), ("CNI_NETNS", $"/run/netns/{namespaces[pod]}"), ("CNI_IFNAME", "eth0"),
            ("CNI_PATH", "/usr/lib/cni"),
            ("CNI_ARGS", $"IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME={pod}"),
        })
            start.Environment[key] = value;
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(configuration.ToJsonString());
        process.StandardInput.Close();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }

    private async Task<(int Code, string Output)> ProbeAsync(string order)
    {
        var start = new ProcessStartInfo("nsenter", [$"--net=/run/netns/{Namespace}", Environment.ProcessPath!,
            .. Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? (string[])[typeof(RackNode).Assembly.Location] : []])
            { RedirectStandardOutput = true };
        start.Environment[NetworkProbe.Variable] = order;
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output.Trim());
    }
}

internal sealed record RackPod(string Name, string Namespace, string Address)
{
    public async Task<int> ReadMtuAsync()
    {
        var link = JsonNode.Parse(await Shell.RunAsync("ip", ["-n", Namespace, "-json", "link", "show", "eth0"], default))!;
        return link[0]!["mtu"]!.GetValue<int>();
    }
}

/// <summary>What the kernel tells of changed routes.</summary>
internal sealed class RouteMonitor(Process process, string log)
{
    public async Task<string> ReadAsync()
    {
        await Task.Delay(300);
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        return await File.ReadAllTextAsync(log);
    }
}

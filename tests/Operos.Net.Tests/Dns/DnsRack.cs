using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Operos.Controller.Configuration;
using Operos.Lab;
using Operos.Names;
using k8s.Models;

namespace Operos.Net.Tests.Dns;

/// <summary>
/// The cluster's name server with its real daemons at 10.77.0.1, another name server that knows the world at 10.77.0.2, and who
/// asks: a machine, a pod, and somebody from elsewhere.
/// </summary>
public sealed class DnsRack : IAsyncLifetime
{
    public const string Upstream = "10.77.0.2", WorldAddress = "198.51.100.7";
    private static int racks;
    private CancellationTokenSource stop = new();
    private NameServerSettings settings = null!;
    private LabFolder folder = null!;
    private Task running = Task.CompletedTask;
    private Process? upstream;
    private readonly Dictionary<(string, string), ServiceNames> services = [];
    private int markers;

    internal ClusterNames Names { get; private set; } = new();
    internal ClusterDns Server { get; private set; } = null!;
    internal ClientHost Host { get; private set; } = null!;
    internal ClientHost Machine { get; private set; } = null!;
    internal ClientHost Pod { get; private set; } = null!;
    internal ClientHost Outsider { get; private set; } = null!;
    private ClientHost World { get; set; } = null!;

    internal string this[string name] => folder[name];

    /// <summary>The folder of knotd's files, by a path that is short enough for its socket.</summary>
    internal string Authority => Path.Combine(settings.Folder, "authority");

    public async ValueTask InitializeAsync()
    {
        folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), $"net-dns-{Interlocked.Increment(ref racks)}");
        var network = await LabNetwork.CreateAsync(folder, "10.77.0.1/24", default);
        Host = ClientHost.Of(network);
        Machine = await ClientHost.CreateAsync(folder, network, 1);
        Pod = await ClientHost.CreateAsync(folder, network, 2, "10.10.0.9");
        Outsider = await ClientHost.CreateAsync(folder, network, 3, "192.0.2.9");
        World = await ClientHost.CreateAsync(folder, network, 4, Upstream);
        foreach (var (host, net) in new[] { (Pod, "10.77.0.0/24"), (Outsider, "10.77.0.0/24"), (Host, "10.10.0.0/16"),
            (Host, "192.0.2.0/24") })
            await host.RunAsync("ip", ["route", "add", net, "dev", host == Host ? "br0" : "eth0"]);
        StartUpstream();
        var controller = new ControllerSettings { Admission = AdmissionPolicy.Auto, Address = IPAddress.Parse("10.77.0.1"),
            Network = IPNetwork.Parse("10.77.0.0/24"), DnsUpstream = [IPAddress.Parse(Upstream)] };
        settings = controller.NameServer(new ControllerPaths { Run = folder.ShortPath("run"), State = folder["state"],
            KnotProgram = Daemon("knotd"), UnboundProgram = Daemon("unbound") });
        await StartServerAsync();
    }

    /// <summary>An agent that begins: it knows no names but those that one before it kept, and nobody tells it any.</summary>
    internal async Task StartServerAsync()
    {
        Names = new ClusterNames();
        Server = new ClusterDns(settings, Names, TimeProvider.System, new FileLog<ClusterDns>(folder["dns.log"]), type => Host.Open(type));
        running = Server.RunAsync(stop.Token);
        await UntilAsync("the name server answers", async () => (
            await Dig.AskAsync(Machine, "dns-version.cluster.local", "TXT")).Status == "NOERROR");
    }

    /// <summary>The agent ends, and its daemons with it.</summary>
    internal async Task StopServerAsync()
    {
        await stop.CancelAsync();
        await running.ContinueWith(_ => { }, TaskScheduler.Default);
        running = Task.CompletedTask;
        stop.Dispose();
        stop = new CancellationTokenSource();
    }

    public async ValueTask DisposeAsync()
    {
        await StopServerAsync();
        StopUpstream();
        folder?.Dispose();
    }

    /// <summary>Makes these the cluster's only objects and waits until they are served.</summary>
    internal async Task SetAsync(params object[] objects)
    {
        // The reverse zone of services is the last to be updated: once it has this, all have.
        var number = ++markers;
        var address = $"10.11.{200 + number / 250}.{number % 250 + 1}";
        Names.Endpoints.Replace([.. objects.OfType<V1Endpoints>().SelectMany(item => KubernetesObjects.Read(item.Read()))]);
        Names.EndpointSlices.Replace([.. objects.OfType<V1EndpointSlice>().SelectMany(item => KubernetesObjects.Read(item.Read()))]);
        Names.Pods.Replace([.. objects.OfType<V1Pod>().Select(pod => KubernetesObjects.Read(pod.Read())).OfType<PodAddresses>()]);
        Names.SetMachines([.. objects.OfType<MachineName>()]);
        services.Clear();
        foreach (var service in objects.OfType<V1Service>()) Keep(service);
        Put(Objects.Service("marker", address, name: $"marker{number}"));
        await UntilAsync("the change is served", async () => (
            await Dig.AskAsync(Machine, DnsName.Reverse(IPAddress.Parse(address)), "PTR")).Answer.Any(
            record => record.Data.StartsWith($"marker{number}.", StringComparison.Ordinal)));
    }

    /// <summary>Changes one service, or adds it.</summary>
    internal void Put(V1Service service)
    {
        Keep(service);
        Names.Services.Replace([.. services.Values]);
    }

    private void Keep(V1Service service)
    {
        if (KubernetesObjects.Read(service.Read()) is { } names) services[(names.Namespace, names.Name)] = names;
    }

    /// <exception cref="LabException">It did not come true; with the end of the log.</exception>
    internal async Task UntilAsync(string what, Func<Task<bool>> holds, int seconds = 60)
    {
        var wait = new Wait(what, TimeSpan.FromSeconds(seconds)) { Pause = TimeSpan.FromMilliseconds(20), Logs = [folder["dns.log"]] };
        await wait.UntilAsync(async () =>
        {
            if (await holds()) return true;
            if (running.IsCompleted) await running;
            return false;
        });
    }

    /// <param name="forwardTo">Whom it asks for what it does not know itself; nobody where it is not given.</param>
    /// <param name="zone">What it knows of all names: unbound's word for a local zone.</param>
    internal void StartUpstream(string? forwardTo = null, string zone = "static")
    {
        // As a portal does, which knows nothing and has an answer to each question.
        string[] known = zone == "redirect" ? [". 60 TXT log-in-first"] : zone == "refuse" ? [] :
        [
            ". 3600 SOA a.root. b.root. 1 3600 600 86400 60", $"www.example.com. 300 A {WorldAddress}",
            "www.example.com. 300 AAAA 2001:db8::7", $"short.example.com. 0 A {WorldAddress}",
            "fourteen.172.in-addr.arpa. 300 PTR known.example.com.",
        ];
        var local = string.Join('\n', known.Select(record => $"    local-data: \"{record}\""));
        File.WriteAllText(folder["upstream.conf"], $"""
            server:
                chroot: ""
                username: ""
                directory: "{folder.Path}"
                pidfile: ""
                use-syslog: no
                interface: {Upstream}@53
                access-control: 10.77.0.0/24 allow
                do-not-query-localhost: no
                local-zone: "." {(forwardTo is null ? zone : "transparent")}
            {local}
            remote-control:
                control-enable: no

            """ + (forwardTo is null ? "" : $"forward-zone:\n    name: \".\"\n    forward-addr: {forwardTo}\n"));
        var daemon = folder.DaemonScript("upstream", World.Namespace, $"/usr/sbin/unbound \"$@\" 2> {folder["upstream.log"]}");
        upstream = Process.Start("sh", [daemon, "-d", "-c", folder["upstream.conf"]]);
    }

    internal void StopUpstream()
    {
        upstream?.Kill();
        upstream?.WaitForExit();
        upstream?.Dispose();
        upstream = null;
    }

    private string Daemon(string program) => folder.DaemonScript(program, Host.Namespace, $"/usr/sbin/{program} \"$@\"");
}

using System.Diagnostics;
using System.Net;
using System.Text;
using Operos.Controller.Clock;
using Operos.Controller.Configuration;
using Operos.Lab;
using Operos.Linux.Clock;
using Operos.Net.Tests.Dns;

namespace Operos.Net.Tests;

/// <summary>
/// The image's chronyd on several hosts of one switch, each by what the product writes for it. None of them sets this host's clock, which
/// all of them have.
/// </summary>
internal sealed class ClockRack : IAsyncDisposable
{
    public const string Controller = "10.77.0.1";
    private const string Libraries = "usr/lib/x86_64-linux-gnu";
    private readonly LabFolder folder;
    private readonly LabNetwork network;
    private readonly CancellationTokenSource stop = new();
    private readonly List<Process> daemons = [];
    private Task serving = Task.CompletedTask;
    private int hosts;

    private ClockRack(LabFolder folder, LabNetwork network) => (this.folder, this.network) = (folder, network);

    private static string Roots => Path.Combine(new Build().Out, "images/roots");

    /// <param name="address">The controller's; without it that has none yet.</param>
    public static async Task<ClockRack> CreateAsync(string name, string? address = $"{Controller}/24")
    {
        var folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), $"net-clock-{name}");
        try { return new ClockRack(folder, await LabNetwork.CreateAsync(folder, address, default)); }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public Task GiveAddressAsync() => network.RunAsync("ip", ["address", "add", $"{Controller}/24", "dev", "br0"], default);

    public Task<ClientHost> AddHostAsync(string? address = null) => ClientHost.CreateAsync(folder, network, hosts++, address);

    /// <summary>The way back to those who are not of the machines' network.</summary>
    public Task RouteAsync(string net) => network.RunAsync("ip", ["route", "add", net, "dev", "br0"], default);

    /// <summary>The controller's clock, served as long as the rack stands.</summary>
    public ClockServer Serve(TimeProvider time, params string[] servers)
    {
        var settings = new ControllerSettings { Admission = AdmissionPolicy.Auto, Address = IPAddress.Parse(Controller),
            Network = IPNetwork.Parse("10.77.0.0/24"), TimeServers = servers };
        var paths = new ControllerPaths { Run = folder["run"], ChronySocket = Socket("controller"),
            ChronycProgram = Program("chronyc", "usr/bin/chronyc"), ChronydProgram = Daemon("controller", ClientHost.Of(network)) };
        var server = new ClockServer(settings, paths, time, new FileLog<ClockServer>(Log));
        serving = server.RunAsync(stop.Token);
        return server;
    }

    /// <summary>A machine whose clock is kept by the controller's, as its agent writes it.</summary>
    public void Follow(string name, ClientHost host) =>
        Start(name, host, Encoding.ASCII.GetString(Chrony.Follow(IPAddress.Parse(Controller), Socket(name))));

    /// <summary>A time server of somebody else.</summary>
    public void StartServer(string name, ClientHost host, int stratum) =>
        Start(name, host, $"local stratum {stratum}\nallow\ncmdport 0\nbindcmdaddress {Socket(name)}\npidfile /\n");

    /// <summary>Waits for what that host's chronyd says of its clock.</summary>
    public Task UntilAsync(string what, string name, Func<ClockTracking, bool> holds) => UntilAsync(what, async () =>
    {
        try { return holds(await ClockTracking.AskAsync(default, Socket(name), folder["chronyc"])); }
        catch (IOException e) { throw new LabException(e.Message); }
    });

    /// <exception cref="LabException">It did not come true; with the end of the logs.</exception>
    public Task UntilAsync(string what, Func<Task<bool>> holds) =>
        new Wait(what, TimeSpan.FromSeconds(60)) { LooksAgain = true, Logs = [Log] }.UntilAsync(holds);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await serving.ContinueWith(_ => { }, TaskScheduler.Default);
        foreach (var daemon in daemons)
        {
            daemon.Kill();
            await daemon.WaitForExitAsync();
            daemon.Dispose();
        }
        stop.Dispose();
        folder.Dispose();
    }

    private string Log => folder["clock.log"];

    /// <summary>In a folder of its own, as chronyd demands; by a path that is short enough.</summary>
    private string Socket(string name) => Path.Combine(folder.ShortPath(name), "chronyd.sock");

    private void Start(string name, ClientHost host, string configuration)
    {
        File.WriteAllText(folder[name + ".conf"], configuration);
        Program("chronyc", "usr/bin/chronyc");
        daemons.Add(Process.Start(new ProcessStartInfo(Daemon(name, host), ["-4", "-d", "-x", "-f", folder[name + ".conf"]]))
            ?? throw new LabException($"chronyd of {name} does not start"));
    }

    private string Daemon(string name, ClientHost host)
    {
        File.SetUnixFileMode(folder.ShortPath(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return folder.DaemonScript($"chronyd-{name}", host.Namespace,
            $"{Command("usr/sbin/chronyd")} -u root \"$@\" 2>> {folder[$"chronyd-{name}.log"]}");
    }

    private string Program(string name, string path) => folder.Script(name, $"exec {Command(path)} \"$@\"\n");

    /// <summary>A program of the image, with the image's libraries.</summary>
    private static string Command(string path)
    {
        var (loader, program) = (Path.Combine(Roots, "base", Libraries, "ld-linux-x86-64.so.2"), Path.Combine(Roots, "node", path));
        foreach (var needed in (string[])[loader, program])
            if (!File.Exists(needed)) throw new LabException($"there is no {needed}: run make release first");
        return $"{loader} --library-path {Path.Combine(Roots, "node", Libraries)}:{Path.Combine(Roots, "base", Libraries)} {program}";
    }
}

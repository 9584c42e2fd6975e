using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Operos.Ceph.Monitors;
using Operos.Lab;
using Operos.Linux;
using Operos.Linux.Ceph;
using Operos.Linux.Supervision;
using Operos.Net.Tests.Dns;

// They mostly wait for daemons, which mostly wait for the disk.
[assembly: Xunit.v3.Parallelization(MaxThreads = 4)]

namespace Operos.Ceph.Tests;

/// <summary>
/// A monitor and a manager of the image's own programs, on a loopback address of their own, kept by the controller's code; small OSDs
/// beside. What it starts ends with it.
/// </summary>
internal sealed class CephLab : IAsyncDisposable
{
    /// <summary>SIGSTOP, SIGCONT and SIGTERM (signal(7)).</summary>
    private const int Hold = 19, Continue = 18, Terminate = 15;
    /// <summary>Of whoever waits for daemons, on a host that does much else.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly string[] Layers = ["controller", "worker", "node", "base"];
    private CancellationTokenSource stop = new();
    private readonly Dictionary<int, Process> osds = [];
    private Task running = Task.CompletedTask;

    private CephLab(LabFolder folder, IPAddress address)
    {
        (Folder, Address) = (folder, address);
        var run = folder.ShortPath("run");
        Paths = new MonitorPaths(Folder["pki/ceph.json"], Folder["ceph"], run)
        {
            User = null, Kept = Folder["kept"], MonitorProgram = Program("ceph-mon"), ManagerProgram = Program("ceph-mgr"),
            MapProgram = Program("monmaptool"), StoreProgram = Program("ceph-monstore-tool"), OsdMapProgram = Program("osdmaptool"),
        };
        OsdProgram = Program("ceph-osd");
        MapTool = Program("ceph-objectstore-tool");
    }

    public LabFolder Folder { get; }

    public IPAddress Address { get; }

    public MonitorPaths Paths { get; init; }

    public string OsdProgram { get; }

    /// <summary>What reads an OSD that does not run.</summary>
    public string MapTool { get; }

    public CephMonitor Monitor { get; private set; } = null!;

    public string Log => Folder["log"];

    public static CephLab Create(string name)
    {
        // Other tests, of other clones too, have monitors on the same port.
        var own = BitConverter.GetBytes(HashCode.Combine(Environment.ProcessId, name));
        var address = new IPAddress([127, (byte)(own[0] | 1), own[1], (byte)(own[2] | 2)]);
        return new CephLab(LabFolder.Create(Path.Combine(new Build().Out, "test"), $"ceph-{name}"), address);
    }

    /// <summary>As the controller's agent does when it starts.</summary>
    /// <param name="open">What is opened on it before it begins, as the controller's other parts are.</param>
    public CephMonitor Start(MonitorPaths? paths = null, TimeProvider? time = null, Action<CephMonitor>? open = null)
    {
        if (stop.IsCancellationRequested)
        {
            stop.Dispose();
            stop = new();
        }
        var log = new FileLog<CephMonitor>(Log);
        Monitor = new CephMonitor(paths ?? Paths, Address, DaemonHost.Children(log), time ?? TimeProvider.System, log)
            { Pause = TimeSpan.FromSeconds(2) };
        open?.Invoke(Monitor);
        running = Monitor.RunAsync(stop.Token);
        return Monitor;
    }

    public Task UntilAsync(string what, Func<bool> holds) => new Wait(what, Patience) { Logs = [Log] }.UntilAsync(() =>
    {
        if (running is { IsFaulted: true, Exception: { } failure }) throw new LabException($"it ended: {failure.InnerException?.Message}");
        return Task.FromResult(holds());
    });

    /// <summary>The monitor and the manager.</summary>
    public Task UntilDaemonsWorkAsync() => UntilAsync("both work", () => Works("ceph-mon") && Works("ceph-mgr"));

    /// <summary>One that takes images, with all its placement groups clean.</summary>
    public Task UntilThereIsAPoolAsync() => UntilAsync("there is a pool", () =>
        Monitor is { WhyNoImage: null, Facts: { AllPlacementGroups: > 0 } facts }
        && facts.CleanPlacementGroups == facts.AllPlacementGroups);

    public bool Works(string daemon) => Monitor.Daemons.Any(one => one.Name == daemon && one.Status.Healthy);

    /// <summary>What the monitor answers now.</summary>
    public async Task<string> AskAsync(string command) => (await AskAsync(new CephCommand(command))).ToString();

    public async Task<JsonElement> AskAsync(CephCommand command)
    {
        using var client = new MonitorClient(Paths.ClientConfiguration);
        return await client.AskAsync(command, default);
    }

    /// <summary>From which part of an OSD's room on the monitor calls it nearly full.</summary>
    public void SetNearlyFull(double ratio)
    {
        using var connection = RadosConnection.Open("client.admin", Paths.ClientConfiguration, Patience);
        connection.AskMonitor(string.Create(CultureInfo.InvariantCulture, $$"""{"prefix":"osd set-nearfull-ratio","ratio":{{ratio}}}"""));
    }

    /// <summary>The monitor holds an OSD for dead, until that says otherwise.</summary>
    public void MarkDown(int osd)
    {
        using var connection = RadosConnection.Open("client.admin", Paths.ClientConfiguration, Patience);
        connection.AskMonitor(string.Create(CultureInfo.InvariantCulture, $$"""{"prefix":"osd down","ids":["{{osd}}"]}"""));
    }

    /// <summary>An OSD on a sparse file, of a host.</summary>
    public async Task StartOsdAsync(Guid partition, Guid host, long bytes = 1L << 30)
    {
        var key = CephKey.Of(partition.ToByteArray());
        var id = -1;
        await new Wait("the OSD has its number", Patience) { Logs = [Log] }.UntilAsync(async () =>
        {
            try { id = await Monitor.AddOsdAsync(partition, key, default); }
            // As a worker, which asks again: the monitor is busy with what it was told before.
            catch (IOException) { return false; }
            return true;
        });
        await StartOsdAsync(id, key.Text, partition, host, bytes);
    }

    /// <summary>One whose number and key a machine got.</summary>
    public async Task StartOsdAsync(int id, string key, Guid partition, Guid host, long bytes = 1L << 30)
    {
        // What was there before of this number was on another disk.
        var data = Folder[$"osd-{id}-{partition}"];
        Directory.CreateDirectory(data);
        var configuration = Folder[$"osd-{id}.conf"];
        // Its classes are in the image's folder, not in this host's.
        var classes = Path.Combine(new Build().Out, $"images/roots/worker{CephConfiguration.Classes}");
        await File.WriteAllTextAsync(configuration, CephConfiguration.Osd(Monitor.Map!, data, host, null, 0, Paths.Run)
            .Replace(CephConfiguration.Classes, classes, StringComparison.Ordinal) + $"""
            bluestore_block_size = {bytes}
            bluestore_block_path =
            osd_mclock_skip_benchmark = true

            """);
        await File.WriteAllBytesAsync(Path.Combine(data, "keyring"), Keyring.Of($"osd.{id}", key));
        string[] arguments = ["-f", "-i", id.ToString(CultureInfo.InvariantCulture), "-c", configuration,
            "--public-addr", $"{Address}", "--cluster-addr", $"{Address}"];
        using (var made = Run([.. arguments, "--mkfs", "--osd-uuid", $"{partition}", "--osd-data", data]))
        {
            await made.WaitForExitAsync();
            Assert.True(made.ExitCode == 0, $"ceph-osd --mkfs: {made.ExitCode}; {await File.ReadAllTextAsync(Log)}");
        }
        lock (osds) osds[id] = Run(arguments);
    }

    /// <summary>As when its disk or its machine dies; cleanly, it tells the monitor, as the last one must for anybody to know.</summary>
    public async Task EndOsdAsync(int id, bool cleanly = false)
    {
        Process osd;
        lock (osds)
        {
            osd = osds[id];
            osds.Remove(id);
        }
        if (cleanly) ProcessSignal.Send(osd.Id, Terminate);
        else osd.Kill();
        await osd.WaitForExitAsync();
        osd.Dispose();
    }

    public void KillMonitor() => Find(Paths.MonitorConfiguration).Kill();

    /// <summary>The monitor lives, and does nothing until it is told to go on.</summary>
    public void HoldMonitor(bool isHeld) => ProcessSignal.Send(Find(Paths.MonitorConfiguration).Id, isHeld ? Hold : Continue);

    /// <summary>The OSDs live, and answer nobody until they are told to go on.</summary>
    public void HoldOsds(bool isHeld)
    {
        lock (osds)
            foreach (var id in osds.Keys) HoldOsd(id, isHeld);
    }

    public void HoldOsd(int id, bool isHeld)
    {
        lock (osds) ProcessSignal.Send(osds[id].Id, isHeld ? Hold : Continue);
    }

    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Monitor?.Dispose();
    }

    /// <summary>As when the controller's disk dies: nothing is left of the monitor and the manager.</summary>
    public async Task LoseMonitorAsync()
    {
        await StopAsync();
        Directory.Delete(Paths.State, recursive: true);
        Directory.Delete(Paths.Run, recursive: true);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var osd in osds.Values)
        {
            osd.Kill();
            await osd.WaitForExitAsync();
            osd.Dispose();
        }
        await StopAsync();
        stop.Dispose();
        Folder.Dispose();
    }

    private static Process Find(string argument) => Assert.Single(Process.GetProcesses(), one => Runs(one, argument));

    private static bool Runs(Process process, string argument)
    {
        try { return File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(argument, StringComparison.Ordinal); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return false; }
    }

    /// <summary>A program of the image, with the image's libraries, as a script: written once, as a shell reads one as it goes.</summary>
    private string Program(string name)
    {
        var roots = Path.Combine(new Build().Out, "images/roots");
        var program = Layers.Select(layer => Path.Combine(roots, layer, "usr/bin", name)).FirstOrDefault(File.Exists)
            ?? throw new LabException($"no layer has {name}: make release CEPH=1");
        var libraries = string.Join(':', from layer in Layers from below in (string[])["", "/ceph"]
                                         select $"{roots}/{layer}/usr/lib/x86_64-linux-gnu{below}");
        var path = Folder[name];
        // The manager begins an interpreter of Python, which looks for its own modules.
        File.WriteAllText(path, $"#!/bin/sh\nexport PYTHONHOME='{roots}/controller/usr'\n"
            + $"exec '{roots}/base/usr/lib64/ld-linux-x86-64.so.2' --library-path '{libraries}' '{program}' \"$@\"\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    private Process Run(IReadOnlyList<string> arguments) => Process.Start(new ProcessStartInfo("/bin/sh",
        ["-c", $"exec \"$@\" >> '{Log}' 2>&1", "osd", OsdProgram, .. arguments]))!;
}

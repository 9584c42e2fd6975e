using System.Text.Json;
using Operos.Ceph.Monitors;
using Operos.Ceph.Osds;
using Operos.Lab;
using Operos.Linux;
using Operos.Linux.Supervision;
using Operos.Net.Tests.Dns;
using Operos.Proto;
using Operos.Worker.Disks;
using Operos.Worker.Osds;

namespace Operos.Ceph.Tests.Osds;

/// <summary>
/// Machines' OSDs on real disks, which the worker's code makes, starts and stops with the image's programs, beside a real monitor.
/// </summary>
internal sealed class OsdRack : IAsyncDisposable
{
    public static readonly Guid One = new("6f1c2d5e-0000-4000-8000-000000000001"), Other = new("6f1c2d5e-0000-4000-8000-000000000002");
    private readonly List<OsdDisk> disks = [];
    private readonly List<(OsdDaemon Daemon, Task Task, CancellationTokenSource Stop)> running = [];

    private readonly FileLog<OsdDaemon> log;

    private OsdRack(CephLab lab) => (Lab, log) = (lab, new FileLog<OsdDaemon>(lab.Folder["osds.log"]));

    public CephLab Lab { get; }

    /// <summary>What ceph-osd does before it is run, in a shell; <c>$*</c> has its arguments.</summary>
    public string Before { get; set; } = "";

    public static async Task<OsdRack> CreateAsync(string name)
    {
        var rack = new OsdRack(CephLab.Create(name));
        try
        {
            rack.Lab.Start();
            await rack.Lab.UntilAsync("the monitor answers", () => rack.Lab.Works("ceph-mon"));
            return rack;
        }
        catch
        {
            await rack.DisposeAsync();
            throw;
        }
    }

    /// <summary>A disk that is all an OSD's.</summary>
    public async Task<OsdTarget> AddDiskAsync(string name)
    {
        var disk = new OsdDisk(Lab.Folder[name]);
        disks.Add(disk);
        return await disk.SetUpAsync();
    }

    /// <summary>As the agent of a machine does that found this partition.</summary>
    public OsdDaemon Start(OsdTarget target, OsdTools? tools = null)
    {
        var (daemon, stop) = (new OsdDaemon(target, tools ?? Tools()), new CancellationTokenSource());
        running.Add((daemon, daemon.RunAsync(stop.Token), stop));
        return daemon;
    }

    /// <summary>As before a disk is given up.</summary>
    public async Task StopAsync(OsdDaemon daemon)
    {
        var one = running.Single(one => one.Daemon == daemon);
        await one.Stop.CancelAsync();
        await one.Task;
        await daemon.StopAsync(default);
        running.Remove(one);
        one.Stop.Dispose();
    }

    /// <summary>Waits for an OSD that runs and of which the monitor says that it is up.</summary>
    public async Task UntilUpAsync(OsdDaemon daemon)
    {
        await UntilAsync("it runs", daemon, state => state.IsRunning);
        await UntilAsync("it is up", async () => await IsUpAsync(daemon.State.Id));
    }

    public Task UntilAsync(string what, Func<Task<bool>> holds) =>
        new Wait(what, CephLab.Patience) { LooksAgain = true, Logs = [Lab.Log, Lab.Folder["osds.log"]] }
            .UntilAsync(holds);

    public Task UntilAsync(string what, OsdDaemon daemon, Func<OsdState, bool> holds) =>
        UntilAsync(what, () => holds(daemon.State) ? Task.FromResult(true) : throw new LabException(daemon.State.Text));

    /// <summary>An OSD as <c>osd dump</c> has it.</summary>
    public async Task<JsonElement> OsdAsync(int id)
    {
        var dump = await Lab.AskAsync(new CephCommand("osd dump"));
        return dump.GetProperty("osds").EnumerateArray().Single(osd => osd.GetProperty("osd").GetInt32() == id);
    }

    public async Task<bool> IsUpAsync(int id) => (await OsdAsync(id)).GetProperty("up").GetInt32() == 1;

    /// <summary>What an OSD's units read.</summary>
    public string FileOf(int id) => new OsdPaths { Run = RunOf(One) }.Environment(id);

    /// <summary>Whether a ceph-osd of this number runs here.</summary>
    public bool Runs(int id)
    {
        var configuration = $"\0{new OsdPaths { Run = RunOf(One) }.Configuration(id)}\0";
        return Directory.EnumerateDirectories("/proc").Any(folder => CommandOf(folder).Contains(configuration, StringComparison.Ordinal));
    }

    private static string CommandOf(string process)
    {
        try { return File.ReadAllText(Path.Combine(process, "cmdline")); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return ""; }
    }

    /// <summary>The host that an OSD is in.</summary>
    public async Task<string?> HostAsync(int id) => (await Lab.AskAsync(new CephCommand("osd find").With("id", id)))
        .GetProperty("crush_location").GetProperty("host").GetString();

    public static Task<OsdPartition> LookAsync(OsdTarget target) => OsdLook.TakeAsync(target.Partition, default);

    /// <summary>Writes over the first bytes of a partition.</summary>
    public static void Put(OsdTarget target, byte[] bytes)
    {
        using var device = BlockDevice.OpenForWriting(target.Partition.Path);
        device.Write(0, bytes);
        device.Flush();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (daemon, task, stop) in running)
        {
            await stop.CancelAsync();
            await task;
            stop.Dispose();
        }
        await Lab.DisposeAsync();
        foreach (var disk in disks) disk.Dispose();
    }

    /// <summary>What the agent of a machine keeps its OSDs with; the caller starts and stops it.</summary>
    public OsdKeeper Keep(DiskBoard board) => new(board, DaemonHost.Children(log), Paths(RunOf(One)), GrantAsync, log);

    /// <summary>The same, by what a controller gives over the machine's session.</summary>
    /// <param name="name">Of its folder, which is gone with a boot.</param>
    public OsdKeeper KeepBySession(DiskBoard board, string name) =>
        new(board, DaemonHost.Children(log), Paths(Lab.Folder.ShortPath(name)), null, log);

    /// <summary>What OSDs of a machine have in common.</summary>
    /// <param name="number">Gives another number than the monitor does.</param>
    public OsdTools Tools(Guid? machine = null, Func<Guid, int>? number = null) =>
        new(DaemonHost.Children(log), Paths(RunOf(machine ?? One)), async (target, token) =>
        {
            var grant = await GrantAsync(target, token);
            return grant with { Id = number?.Invoke(target.Id) ?? grant.Id };
        }, () => new OsdPlace(Lab.Monitor.Map!, machine ?? One, null, OsdMemory.Of(1L << 30, 2)), TimeProvider.System, log);

    /// <summary>What a controller says that keeps this monitor, or none.</summary>
    public NodeConfiguration Configuration(bool hasCeph) => new()
    {
        Hostname = $"{One}",
        Storage = new StorageConfiguration
        {
            Ceph = hasCeph ? new CephCluster { Fsid = $"{Lab.Monitor.Map!.Fsid}", Monitors = Lab.Monitor.Map.Monitors } : null,
        },
    };

    private string RunOf(Guid machine) => Lab.Folder.ShortPath(machine == One ? "run-one" : "run-other");

    private OsdPaths Paths(string run) => new() { Run = run, User = "root", Program = Script(), MapTool = Lab.MapTool };

    private async Task<OsdGrantedKey> GrantAsync(OsdTarget target, CancellationToken cancellationToken)
    {
        var key = CephKey.Of(target.Id.ToByteArray());
        return new(await Lab.Monitor.AddOsdAsync(target.Id, key, cancellationToken), key);
    }

    /// <summary>The image's ceph-osd, which is told where its classes are, to stay on loopback, and not to measure the disk.</summary>
    private string Script()
    {
        var classes = Path.Join(new Build().Out, "images/roots/worker", CephConfiguration.Classes);
        // A file of its own: a shell reads one as it goes.
        var path = Lab.Folder[$"osd-{Guid.NewGuid():N}"];
        File.WriteAllText(path, $"#!/bin/sh\n{Before}\nexec {Lab.OsdProgram} \"$@\" --osd-class-dir={classes} "
            + $"--public-addr={Lab.Address} --cluster-addr={Lab.Address} --osd-mclock-skip-benchmark=true 2>> {Lab.Log}.osd\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}

using System.Net;
using Operos.Ceph.Monitors;
using Operos.Ceph.Osds;
using Operos.Lab;
using Operos.Linux;
using Operos.Linux.Supervision;
using Operos.Linux.Units;
using Operos.Net.Tests.Dns;
using Operos.Proto;
using Operos.Worker.Disks;
using Operos.Worker.Osds;

namespace Operos.Ceph.Tests.Osds;

/// <summary>
/// The image's own units under a real systemd, with monitor and manager beside: a machine without a boot, in which the test starts itself
/// again as the agents. It is judged inside.
/// </summary>
public sealed class OsdUnitTests
{
    private const string Variable = "OPEROS_OSD_UNITS", Log = "/run/osd-units.log", UserId = "64045", Dotnet = "/usr/share/dotnet";
    private const int Kill = 9;
    /// <summary>One for all: each of them opens the file for itself.</summary>
    private static readonly FileLog<CephMonitor> Logger = new(Log);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task OSDs_are_units_that_outlive_the_agent_and_are_found_by_the_next_one()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { } devices)
        {
            await ActAsync(devices.Split(' '));
            return;
        }
        var build = new Build();
        using var folder = LabFolder.Create(Path.Combine(build.Out, "test"), "osd-units");
        using OsdDisk one = new(folder["one"]), two = new(folder["two"]);
        OsdTarget[] targets = [await one.SetUpAsync(), await two.SetUpAsync()];
        string[] seen = [.. targets.SelectMany(target => new[] { target.Disk.Path, target.Partition.Path }), Dotnet,
            AppContext.BaseDirectory.TrimEnd('/')];
        using var machine = await NativeMachine.StartAloneAsync(build, folder, ["controller", "worker", "node", "base"], seen, default);
        await new Wait("the machine is up", Patience) { LooksAgain = true, Logs = [machine.ConsolePath] }.UntilAsync(async () =>
            (await machine.RunAsync("systemctl", ["is-system-running"], default, check: false)).Trim() is "running" or "degraded");
        var program = Environment.ProcessPath!;
        string[] self = program.EndsWith("dotnet", StringComparison.Ordinal)
            ? [Path.Combine(Dotnet, "dotnet"), typeof(OsdUnitTests).Assembly.Location] : [program];
        await machine.RunAsync("env", [$"{Variable}={one.Device} {two.Device}", $"DOTNET_ROOT={Dotnet}",
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1", .. self, "-noColor", "-method",
            $"*{nameof(OsdUnitTests)}.{nameof(OSDs_are_units_that_outlive_the_agent_and_are_found_by_the_next_one)}"],
            default);
    }

    private static async Task ActAsync(string[] devices)
    {
        OsdTarget[] targets = [await OsdDisk.FindAsync(devices[0]), await OsdDisk.FindAsync(devices[1])];
        using var systemd = new Systemd();
        using var stop = new CancellationTokenSource();
        var host = DaemonHost.Units(systemd, Logger);
        Directory.CreateDirectory("/var/lib/operos/pki");
        using var monitor = new CephMonitor(new MonitorPaths("/var/lib/operos/pki/ceph.json", "/var/lib/operos/ceph", "/run/operos/ceph"),
            IPAddress.Loopback, host, TimeProvider.System, Logger);
        var keeping = monitor.RunAsync(stop.Token);
        await UntilAsync("monitor and manager work", () => monitor.Daemons.Count(daemon => daemon.Status.Healthy) == 2);
        var configuration = new NodeConfiguration
        {
            Hostname = $"{OsdRack.One}",
            Storage = new StorageConfiguration
                { Ceph = new CephCluster { Fsid = $"{monitor.Map!.Fsid}", Monitors = monitor.Map.Monitors } },
        };

        int[] processes;
        using (var first = Keep(monitor, host, out var board))
        {
            await first.StartAsync(default);
            first.Follow(configuration);
            board.TellOsds(targets, 0);
            await UntilAsync("both run", () => first.States.Count(state => state.IsRunning) == 2);
            await UntilAsync("both are up", () => monitor.Facts?.Osds.Count(osd => osd.IsUp) == 2);
            processes = [.. await ProcessesAsync(systemd)];
            Assert.All(processes, process => Assert.Equal(UserId, UserOf(process)));
            // Without it nobody makes an image.
            Assert.All(processes, process => Assert.Contains($"{CephConfiguration.Classes}/libcls_rbd.so",
                File.ReadAllText($"/proc/{process}/maps"), StringComparison.Ordinal));
            // As a crash: its agent says so, and starts it again.
            ProcessSignal.Send(processes[0], Kill);
            await UntilAsync("another runs", async () =>
            {
                var now = (await ProcessesAsync(systemd))[0];
                return now != 0 && now != processes[0];
            });
            Assert.Contains("does not run: ", await File.ReadAllTextAsync(Log, default), StringComparison.Ordinal);
            await UntilAsync("it runs again", () => first.States.Count(state => state.IsRunning) == 2);
            processes = [.. await ProcessesAsync(systemd)];
            await first.StopAsync(default);
        }
        Assert.Equal(processes, await ProcessesAsync(systemd));

        using (var second = Keep(monitor, host, out var board))
        {
            await second.StartAsync(default);
            second.Follow(configuration);
            board.TellOsds(targets, 0);
            await UntilAsync("both are found", () => second.States.Count(state => state.IsRunning) == 2);
            Assert.Equal(processes, await ProcessesAsync(systemd));

            // For a controller that lost its monitor's store: who runs is asked; whose maps are taken rests, and begins again.
            var maps = (OsdMaps)await AnswerAsync(second, new ShowOsdMaps());
            Assert.All(maps.Osds, osd => Assert.True(osd.Newest > 0, osd.Text));
            var part = (OsdMapsPart)await AnswerAsync(second, new ReadOsdMaps { Partition = $"{targets[0].Id}" });
            Assert.True(part.Data.Length > 0 && part.Bytes >= part.Data.Length, $"{part.Bytes}");
            Assert.Empty(((OsdMapsPart)await AnswerAsync(second, new ReadOsdMaps { Partition = $"{targets[0].Id}", Archive = part.Archive,
                Offset = part.Bytes })).Data);
            Assert.IsType<Fault>(second.Maps.Answer(new ReadOsdMaps { Partition = $"{targets[0].Id}", Archive = part.Archive }));
            await UntilAsync("it runs again", () => second.States.Count(state => state.IsRunning) == 2);
            var before = (await ProcessesAsync(systemd))[1];
            // Which disk got which number is chance.
            var last = second.States.Single(state => state.Id == 1).Partition;
            Assert.IsType<Done>(second.Maps.Answer(new RestartOsd { Partition = last }));
            await UntilAsync("it was started again", async () =>
                (await ProcessesAsync(systemd))[1] is not 0 and var now && now != before);
            await UntilAsync("both run", () => second.States.Count(state => state.IsRunning) == 2);
            await second.StopAsync(default);
        }

        // An agent that knows nothing yet, and a disk that is to be wiped.
        using (var third = Keep(monitor, host, out var board))
            await board.EndUseAsync!(Path.GetFileName(devices[0]), default);
        Assert.Equal(1, (await ProcessesAsync(systemd)).Count(process => process != 0));
        // One that is told of the other disk alone ends nothing else, and one that is told of none ends it.
        using (var fourth = Keep(monitor, host, out var board))
        {
            await fourth.StartAsync(default);
            board.TellOsds([], 0);
            await UntilAsync("none runs", async () => (await ProcessesAsync(systemd)).All(process => process == 0));
            await fourth.StopAsync(default);
        }
        // Of one that does not run the partition tells.
        var place = new OsdPlace(monitor.Map, OsdRack.One, null, OsdMemory.Of(1L << 30, 2));
        Assert.True(await new OsdMapTool(new OsdPaths(), areUnits: true).NewestAsync(targets[0], place, default) > 0);
        Assert.Empty(Directory.EnumerateFileSystemEntries("/run/operos/ceph", "maps*"));
        await stop.CancelAsync();
        await keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Asks as a controller does: again while the machine is busy with it.</summary>
    private static async Task<Message> AnswerAsync(OsdKeeper keeper, Message request)
    {
        Message? answer = null;
        await UntilAsync($"{request.GetType().Name} is answered", () =>
            (answer = keeper.Maps.Answer(request)) is not Fault { Code: FaultCode.Busy });
        return answer is Fault fault ? throw new LabException(fault.Text) : answer!;
    }

    private static OsdKeeper Keep(CephMonitor monitor, DaemonHost host, out DiskBoard board)
    {
        board = new DiskBoard();
        return new OsdKeeper(board, host, new OsdPaths(), async (target, token) =>
        {
            var key = CephKey.Of(target.Id.ToByteArray());
            return new(await monitor.AddOsdAsync(target.Id, key, token), key);
        }, Logger);
    }

    /// <summary>The main processes of both units, 0 for none.</summary>
    private static async Task<IReadOnlyList<int>> ProcessesAsync(Systemd systemd) =>
        [await systemd.ReadMainProcessAsync("operos-osd@0", default), await systemd.ReadMainProcessAsync("operos-osd@1", default)];

    private static string UserOf(int process) => File.ReadLines($"/proc/{process}/status")
        .Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];

    private static Task UntilAsync(string what, Func<bool> holds) => UntilAsync(what, () => Task.FromResult(holds()));

    private static Task UntilAsync(string what, Func<Task<bool>> holds) => new Wait(what, Patience) { Logs = [Log] }.UntilAsync(holds);
}

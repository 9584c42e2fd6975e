using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Operos.Lab;

namespace Operos.Bench;

/// <summary>
/// operos-init against dracut's livenet: the same layers, kernel, machine, DHCP and HTTP server, one guest at a time, in turn. Without a
/// boot loader, so that nothing else is in the time.
/// </summary>
internal sealed class BootBench
{
    private const int Rounds = 3;
    private const double Goal = 0.6;
    private const string Url = $"http://{NativeController.Address}:7490";

    /// <summary>
    /// A rack's link. An emulated machine is slower than it; one under KVM would fetch as fast as the host copies memory.
    /// </summary>
    private const string LinkRate = "1gbit";

    /// <summary>
    /// Many times what dracut takes on two idle cores without KVM: on a host with other work its services start one by one.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private readonly Build build;
    private readonly LabFolder folder;
    private readonly LabNetwork network;

    private BootBench(Build build, LabFolder folder, LabNetwork network) =>
        (this.build, this.folder, this.network) = (build, folder, network);

    public static async Task<IEnumerable<Row>> RunAsync(Build build)
    {
        var peer = Path.Combine(build.Out, "bench/dracut");
        if (!File.Exists(Path.Combine(peer, "inputs")))
            throw new LabException(
            "there is no dracut to compare with: run tests/Operos.Bench/dracut-livenet.sh first, as make bench does");
        Console.Error.WriteLine("bench: boots, operos-init and dracut in turn");
        using var folder = LabFolder.Create(Path.Combine(build.Out, "bench"), "boot");
        var network = await LabNetwork.CreateAsync(folder, $"{NativeController.Address}/24", default);
        // For its dnsmasq, and to enrol with; the files of both come from nginx.
        using var controller = await NativeController.StartAsync(build, folder, network, default);
        var bench = new BootBench(build, folder, network);
        try
        {
            await bench.ServeAsync(peer);
            var operos = BootContender.Operos(build, BootContender.WithAnchor(build, folder), Url, NativeController.Control);
            return await bench.MeasureAsync(operos, BootContender.Dracut(peer, Url), controller);
        }
        finally { Directory.Delete(controller.Releases, recursive: true); }
    }

    private async Task<IEnumerable<Row>> MeasureAsync(BootContender operos, BootContender dracut, NativeController controller)
    {
        // The first round fills the page cache, and shows that what both leave for is a whole system.
        var enrolled = await BootAsync(operos, 0, operos.Up);
        _ = await BootAsync(dracut, 0, dracut.Up);
        var memory = await PeakMemoryAsync(controller, Regex.Match(enrolled, operos.Up).Groups[1].Value);
        List<(BootTimes Ours, BootTimes Theirs)> rounds = [];
        List<double> fetches = [], downloads = [];
        for (var round = 1; round <= Rounds; round++)
        {
            var ours = await BootAsync(operos, round);
            var theirs = await BootAsync(dracut, round);
            rounds.Add((BootTimes.Read(ours, operos.Switches), BootTimes.Read(theirs, dracut.Switches)));
            fetches.Add(double.Parse(Regex.Match(ours, @"fetch: done in ([0-9.]+) s").Groups[1].Value, CultureInfo.InvariantCulture));
            downloads.Add(DownloadSeconds());
        }
        var bytes = ((FileInfo)File.ResolveLinkTarget(folder["www/flat.squashfs"], returnFinalTarget: true)!).Length;
        return
        [
            Compare("boot, /init to switch_root", rounds, times => times.Switch, Goal),
            Compare("boot, /init to the root's systemd", rounds, times => times.System, null),
            new Row($"boot, fetching {bytes / 1e6:0} MB of it", $"{Median(fetches):0.0} s, verified", $"dracut {Median(downloads):0.0} s"),
            new Row("operos-init, peak RSS in that boot", $"{memory / 1e6:0.0} MB"),
        ];
    }

    private static Row Compare(string what, List<(BootTimes Ours, BootTimes Theirs)> rounds, Func<BootTimes, double> time, double? goal)
    {
        var ratios = rounds.Select(round => time(round.Ours) / time(round.Theirs)).Order().ToList();
        var text = $"ratio {Median(ratios):0.00} ({ratios[0]:0.00} to {ratios[^1]:0.00} pair by pair)";
        return new Row(what, $"{Median(rounds.Select(round => time(round.Ours))):0.0} s",
            $"dracut {Median(rounds.Select(round => time(round.Theirs))):0.0} s",
            goal is null ? text : $"{text}, at most {goal}", goal is null ? null : Median(ratios) <= goal);
    }

    /// <summary>Switches a machine on; its console once that shows the whole boot, and then <paramref name="until"/>.</summary>
    private async Task<string> BootAsync(BootContender contender, int round, string? until = null)
    {
        using var machine = await VirtualMachine.StartAsync(new VirtualMachineOptions
        {
            Name = $"{contender.Name}-{round}", Cpus = 2, MemoryMiB = 2048, Uuid = "5d0f8a44-2222-4c1c-9d6b-2f3d5a7b9c10",
            Nics = [new VirtualNic("52:54:00:bb:00:01", Rate: LinkRate)],
            Kernel = new DirectKernel(Path.Combine(build.Release, "vmlinuz"), contender.Initramfs, contender.Arguments),
        }, network, folder, default);
        try
        {
            await machine.Console.WaitForAsync(BootTimes.Whole(contender.Switches), Patience, default);
            if (until is not null) await machine.Console.WaitForAsync(until, Patience, default);
        }
        catch (LabException e) { throw new LabException($"{e.Message}\n{machine.Describe()}"); }
        var times = BootTimes.Read(machine.Console.Text, contender.Switches);
        Console.Error.WriteLine(
            $"bench:   {machine.Options.Name,-10} {times.Switch,6:0.00} s to switch_root, {times.System,6:0.00} s to systemd, the host's "
            + $"load {HostLoad.LastMinute()}{(round == 0 ? "  (not counted)" : "")}");
        return machine.Console.Text;
    }

    /// <summary>nginx for both: the release as it is, and its layers as one image.</summary>
    private async Task ServeAsync(string peer)
    {
        Directory.CreateDirectory(folder["www/releases"]);
        File.CreateSymbolicLink(folder[$"www/releases/{Path.GetFileName(build.Release)}"], build.Release);
        File.CreateSymbolicLink(folder["www/flat.squashfs"], Path.Combine(peer, "flat.squashfs"));
        await File.WriteAllTextAsync(folder["nginx.conf"], $$"""
            user root; worker_processes 2; pid {{folder["nginx.pid"]}}; error_log {{folder["nginx.log"]}}; daemon off;
            events { worker_connections 1024; }
            http {
                log_format times '$uri $status $body_bytes_sent $request_time'; access_log {{folder["nginx.times"]}} times;
                sendfile on; tcp_nopush on;
                server { listen {{NativeController.Address}}:7490; root {{folder["www"]}}; }
            }
            """);
        network.Start("nginx", ["-c", folder["nginx.conf"]], folder["nginx.log"]);
    }

    /// <summary>How long nginx sent the last image for.</summary>
    private double DownloadSeconds() =>
        double.Parse(File.ReadLines(folder["nginx.times"]).Last(line => line.StartsWith("/flat.squashfs 200", StringComparison.Ordinal))
            .Split(' ')[3], CultureInfo.InvariantCulture);

    /// <summary>What the machine's boot record says of PID 1 (proc(5), VmHWM).</summary>
    private static async Task<long> PeakMemoryAsync(NativeController controller, string id)
    {
        using var detail = JsonDocument.Parse(await controller.CtlAsync(["machines", "show", id, "--json"], default));
        using var boot = JsonDocument.Parse(detail.RootElement.GetProperty("bootRecord").GetBytesFromBase64());
        return boot.RootElement.GetProperty("peakMemoryBytes").GetInt64();
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);
}

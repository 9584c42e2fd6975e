using System.Diagnostics;
using Operos.Lab;

namespace Operos.Bench;

/// <summary>
/// What disks cost a boot: a machine with twelve, which are its own and hold what a boot before left, and one with none, in turn. From
/// power-on until the worker says that it has looked at all and mounted what is there, on the host's clock; without a boot loader.
/// </summary>
internal sealed class DiskBootBench
{
    private const int Disks = 12, Rounds = 3;
    private const double Goal = 2;
    private const long Bytes = 64L << 30;

    /// <summary>Many times what a boot takes on two idle cores without KVM.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly LabFolder folder;
    private readonly LabNetwork network;
    private readonly DirectKernel kernel;
    private readonly IReadOnlyList<VirtualDisk> disks;

    private sealed record Times(double Switch, double Enrolled, double Ready);

    private DiskBootBench(LabFolder folder, LabNetwork network, DirectKernel kernel)
    {
        (this.folder, this.network, this.kernel) = (folder, network, kernel);
        var buses = Enum.GetValues<DiskBus>();
        disks = [.. Enumerable.Range(0, Disks).Select(number =>
            VirtualDisk.Blank(folder, $"BENCH-{number}", Bytes, buses[number % buses.Length]))];
    }

    public static async Task<IEnumerable<Row>> RunAsync(Build build)
    {
        Console.Error.WriteLine($"bench: boots of a machine with {Disks} disks and without, in turn");
        using var folder = LabFolder.Create(Path.Combine(build.Out, "bench"), "disk-boot");
        var network = await LabNetwork.CreateAsync(folder, $"{NativeController.Address}/24", default);
        using var controller = await NativeController.StartAsync(build, folder, network, default);
        var image = BootContender.WithAnchor(build, folder);
        var operos = BootContender.Operos(build, image, NativeController.BootUrl, NativeController.Control);
        // What the agent says in the journal, on the console when it says it.
        var kernel = new DirectKernel(Path.Combine(build.Release, "vmlinuz"), operos.Initramfs,
            $"{operos.Arguments} systemd.journald.forward_to_console=1 systemd.journald.max_level_console=info");
        var bench = new DiskBootBench(folder, network, kernel);
        try { return await bench.MeasureAsync(operos); }
        finally
        {
            Directory.Delete(controller.Releases, recursive: true);
            foreach (var disk in bench.disks) File.Delete(disk.File);
        }
    }

    private async Task<IEnumerable<Row>> MeasureAsync(BootContender operos)
    {
        // The first boot finds blank disks and puts them to use, and one more while it runs; it fills the page cache, too.
        var more = 0.0;
        _ = await BootAsync("setup", operos, disks, async machine => more = await PlugAsync(machine));
        _ = await BootAsync("alone", operos, []);
        List<(Times With, Times Without)> rounds = [];
        for (var round = 1; round <= Rounds; round++)
            rounds.Add((await BootAsync($"disks-{round}", operos, disks), await BootAsync($"none-{round}", operos, [])));
        var costs = rounds.Select(round => round.With.Ready - round.Without.Ready).Order().ToList();
        var (with, without) = (Median(times => times.With.Ready), Median(times => times.Without.Ready));
        // An emulated processor takes many times as long for what programs compute: what it takes is told, and not judged.
        var goal = Accelerator.IsKvm ? $"at most {Goal} s" : $"(at most {Goal} s on a real processor)";
        var text = $"{Middle(costs):0.0} s more ({costs[0]:0.0} to {costs[^1]:0.0}; {with / without - 1:P0}), {goal}";
        return
        [
            new Row($"power-on to {Disks} disks mounted", $"{with:0.0} s", $"no disk {without:0.0} s", text,
                Accelerator.IsKvm ? Middle(costs) <= Goal : null),
            Phase("  to switch_root", times => times.Switch),
            Phase("  from there to enrolled", times => times.Enrolled - times.Switch),
            Phase("  from there to all disks mounted", times => times.Ready - times.Enrolled),
            new Row("a blank disk is put in, until it is in use", $"{more:0.0} s"),
        ];

        double Median(Func<(Times With, Times Without), double> time) => Middle(rounds.Select(time));

        Row Phase(string what, Func<Times, double> time) =>
            new(what, $"{Median(pair => time(pair.With)):0.0} s", $"no disk {Median(pair => time(pair.Without)):0.0} s");
    }

    /// <summary>A thirteenth, into the machine's slot; the machine has it until it is switched off.</summary>
    private async Task<double> PlugAsync(VirtualMachine machine)
    {
        var disk = VirtualDisk.Blank(folder, "BENCH-MORE", Bytes);
        try
        {
            var clock = Stopwatch.StartNew();
            await machine.PlugAsync(disk, default);
            await machine.Console.WaitForAsync($"Disks: {Disks + 1} of {Disks + 1} in use$", Patience, default);
            return clock.Elapsed.TotalSeconds;
        }
        finally { File.Delete(disk.File); }
    }

    /// <param name="then">What else is done before it is switched off.</param>
    private async Task<Times> BootAsync(string name, BootContender operos, IReadOnlyList<VirtualDisk> attached,
        Func<VirtualMachine, Task>? then = null)
    {
        // Two machines: one that came back without the disks which carry its secret would wait a minute before it is believed.
        var number = attached.Count == 0 ? "22" : "21";
        using var machine = await VirtualMachine.StartAsync(new VirtualMachineOptions
        {
            Name = name, Cpus = 2, MemoryMiB = 2048, Uuid = $"5d0f8a44-4444-4c1c-9d6b-2f3d5a7b9c{number}",
            Nics = [new VirtualNic($"52:54:00:bb:00:{number}", Rate: "1gbit")], Disks = attached, HasSlot = true,
            Kernel = kernel,
        }, network, folder, default);
        var clock = Stopwatch.StartNew();
        try
        {
            var times = new Times(await SeenAsync(operos.Switches), await SeenAsync(operos.Up),
                await SeenAsync($"Disks: {attached.Count} of {attached.Count} in use$"));
            Console.Error.WriteLine($"bench:   {name,-10} {times.Switch,6:0.0} s to switch_root, {times.Enrolled,6:0.0} s to enrolled, "
                + $"{times.Ready,6:0.0} s to all disks, the host's load {HostLoad.LastMinute()}");
            if (then is not null) await then(machine);
            return times;
        }
        catch (LabException e) { throw new LabException($"{e.Message}\n{machine.Describe()}"); }

        async Task<double> SeenAsync(string pattern)
        {
            await machine.Console.WaitForAsync(pattern, Patience, default);
            return clock.Elapsed.TotalSeconds;
        }
    }

    private static double Middle(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);
}

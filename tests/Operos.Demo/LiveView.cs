using System.Diagnostics;
using Operos.Lab;

namespace Operos.Demo;

/// <summary>One line a machine, redrawn on a terminal; elsewhere a line for each step, and what is waited for when no step comes.</summary>
internal sealed class LiveView(VirtualCluster cluster)
{
    private const int BarWidth = 24;
    private const string NoAnswer = "the controller does not answer";

    /// <summary>For the whole way to three nodes, from power on. An emulated cluster on two busy cores takes a third of it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(25);
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(500), Ask = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly Dictionary<string, string> told = [];
    private readonly bool onTerminal = !Console.IsOutputRedirected;
    private TimeSpan saidAt;
    private int drawn;

    /// <summary>Switches the workers on when the controller serves, and ends when all are up.</summary>
    /// <exception cref="LabException">They were not in time.</exception>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        Say($"demo: switching the controller on; all are waited for until {Patience.TotalMinutes:0} minutes from now at most");
        IReadOnlyList<(string, string)> known = [];
        var (asked, controllerUp) = (-Ask, false);
        while (true)
        {
            if (clock.Elapsed - asked >= Ask)
            {
                known = await cluster.AskAsync();
                controllerUp |= known.Any(machine => machine is ("controller", "up"));
                if (controllerUp && cluster.Machines.Count == 1)
                {
                    Say("demo: the controller serves; switching two bare workers on");
                    await cluster.PowerOnWorkersAsync();
                }
                asked = clock.Elapsed;
            }
            Show(controllerUp);
            if (known.Count(machine => machine is ("worker", "up")) == 2) break;
            await PauseAsync(controllerUp ? "two workers to be up" : "the controller to serve", Redraw, cancellationToken);
        }
        Say($"demo: three machines up after {clock.Elapsed.TotalSeconds:0} s, two of them booted into RAM");
        if (cluster.HasKubernetes) await WatchNodesAsync(cancellationToken);
    }

    private async Task WatchNodesAsync(CancellationToken cancellationToken)
    {
        var said = "";
        while (true)
        {
            var status = await cluster.AskStatusAsync();
            var (ready, waits) = (status?.ReadyNodes.Count ?? 0, status?.Waits ?? NoAnswer);
            if (ready == 3) break;
            var now = $"{ready} of 3 nodes Ready{(waits.Length > 0 ? $", waiting: {Cut(waits)}" : "")}";
            if (now != said) Step("kubernetes", said = now);
            await PauseAsync($"three nodes to be Ready; {now}; out/demo/operosctl status and why say more", Ask, cancellationToken);
        }
        Say($"demo: three nodes Ready after {clock.Elapsed.TotalSeconds:0} s");
    }

    /// <summary>Until the next look. Nobody is left with silence: what is waited for is said again.</summary>
    /// <exception cref="LabException">Patience is over; with what every machine has to say.</exception>
    private async Task PauseAsync(string what, TimeSpan pause, CancellationToken cancellationToken)
    {
        var left = Patience - clock.Elapsed;
        if (left < TimeSpan.Zero)
        {
            var machines = string.Join("\n\n", cluster.Machines.Select(machine => machine.Describe()));
            throw new LabException(
                $"{Patience.TotalMinutes:0} minutes after power on still waiting for {what}. "
                + $"The last lines of each console:\n\n{machines}");
        }
        if (!onTerminal && clock.Elapsed - saidAt >= Silence)
            Step("waiting", $"for {what}, {left.TotalMinutes:0} more minutes at most; "
                + $"{string.Join("; ", cluster.Machines.Select(LastLine))}");
        await Task.Delay(pause, cancellationToken);
    }

    private void Show(bool controllerUp)
    {
        var lines = cluster.Machines.Select(machine =>
        {
            var console = machine.Console.Text;
            var up = machine.Options.BootsFromDisk
                ? controllerUp : console.Contains("operos-worker: enrolled as", StringComparison.Ordinal);
            var progress = up ? new BootProgress("up", 1, "") : BootProgress.Read(console);
            return (machine.Options.Name, progress);
        }).ToList();
        if (!onTerminal)
        {
            foreach (var (name, progress) in lines)
                if (told.GetValueOrDefault(name) != progress.Phase) Step(name, told[name] = progress.Phase);
            return;
        }
        if (drawn > 0) Console.Write($"\x1b[{drawn}A");
        foreach (var (name, progress) in lines)
            Redrawn($"{name,-16} [{progress.Bar(BarWidth)}] {progress.Share * 100,3:0} %  {progress.Phase,-12} {Cut(progress.Detail)}");
        Redrawn($"{clock.Elapsed.TotalSeconds:0} s; waited for until {Patience.TotalMinutes:0} minutes at most");
        drawn = lines.Count + 1;

        static void Redrawn(string line) => Console.Write($"\r\x1b[2K{line}\n");
    }

    private void Step(string name, string what) => Say($"{clock.Elapsed.TotalSeconds,6:0.0} s  {name,-16} {what}");

    private void Say(string text)
    {
        (drawn, saidAt) = (0, clock.Elapsed);
        Console.WriteLine(text);
    }

    private static string LastLine(VirtualMachine machine)
    {
        var line = machine.Console.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault();
        return $"{machine.Options.Name}: {(line is null ? "nothing on its console yet" : Cut(line))}";
    }

    private static string Cut(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length > 80 ? line[..80] : line;
    }
}

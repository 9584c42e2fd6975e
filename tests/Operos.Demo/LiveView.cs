using System.Diagnostics;
using Operos.Lab;

namespace Operos.Demo;

/// <summary>One line a machine, redrawn on a terminal; elsewhere a line for each step.</summary>
internal sealed class LiveView(VirtualCluster cluster)
{
    private const int BarWidth = 24;
    private const string NoAnswer = "the controller does not answer";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(25), Redraw = TimeSpan.FromMilliseconds(500), Ask = TimeSpan.FromSeconds(5);
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly Dictionary<string, string> told = [];
    private int drawn;

    /// <summary>Switches the workers on when the controller serves, and ends when all are up.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine("demo: switching the controller on");
        IReadOnlyList<(string, string)> known = [];
        var (asked, controllerUp) = (-Ask, false);
        while (true)
        {
            if (clock.Elapsed - asked >= Ask)
            {
                known = await cluster.AskAsync(cancellationToken);
                controllerUp |= known.Any(machine => machine is ("controller", "up"));
                if (controllerUp && cluster.Machines.Count == 1)
                {
                    Say("demo: the controller serves; switching two bare workers on");
                    await cluster.PowerOnWorkersAsync(cancellationToken);
                }
                asked = clock.Elapsed;
            }
            Show(controllerUp);
            if (known.Count(machine => machine is ("worker", "up")) == 2)
            {
                Console.WriteLine($"demo: three machines up after {clock.Elapsed.TotalSeconds:0} s, two of them booted into RAM");
                if (cluster.HasKubernetes) await WatchNodesAsync(cancellationToken);
                return;
            }
            if (clock.Elapsed > Patience)
                throw new LabException($"not all machines came up in {Patience.TotalMinutes:0} minutes. The last lines of each console:\n\n{string.Join("\n\n", cluster.Machines.Select(machine => machine.Describe()))}");
            await Task.Delay(Redraw, cancellationToken);
        }
    }

    private async Task WatchNodesAsync(CancellationToken cancellationToken)
    {
        var said = "";
        while (true)
        {
            var status = await cluster.AskStatusAsync(cancellationToken);
            var (ready, waits) = (status?.ReadyNodes.Count ?? 0, status?.Waits ?? NoAnswer);
            if (ready == 3)
            {
                Console.WriteLine($"demo: three nodes Ready after {clock.Elapsed.TotalSeconds:0} s");
                return;
            }
            var now = $"{ready} of 3 nodes Ready{(waits.Length > 0 ? $", waiting: {Cut(waits)}" : "")}";
            if (now != said) Console.WriteLine($"{clock.Elapsed.TotalSeconds,6:0.0} s  kubernetes       {said = now}");
            if (clock.Elapsed > Patience) throw new LabException($"not all nodes became Ready in {Patience.TotalMinutes:0} minutes; out/demo/operosctl status and why say more. Last: {now}");
            await Task.Delay(Ask, cancellationToken);
        }
    }

    private void Show(bool controllerUp)
    {
        var lines = cluster.Machines.Select(machine =>
        {
            var console = machine.Console.Text;
            var up = machine.Options.BootsFromDisk ? controllerUp : console.Contains("operos-worker: enrolled as", StringComparison.Ordinal);
            var progress = up ? new BootProgress("up", 1, "") : BootProgress.Read(console);
            return (machine.Options.Name, progress);
        }).ToList();
        if (Console.IsOutputRedirected)
        {
            foreach (var (name, progress) in lines)
                if (told.GetValueOrDefault(name) != progress.Phase) Console.WriteLine($"{clock.Elapsed.TotalSeconds,6:0.0} s  {name,-16} {told[name] = progress.Phase}");
            return;
        }
        if (drawn > 0) Console.Write($"\x1b[{drawn}A");
        foreach (var (name, progress) in lines)
            Console.Write($"\r\x1b[2K{name,-16} [{progress.Bar(BarWidth)}] {progress.Share * 100,3:0} %  {progress.Phase,-12} {Cut(progress.Detail)}\n");
        drawn = lines.Count;
    }

    private void Say(string text)
    {
        drawn = 0;
        Console.WriteLine(text);
    }

    private static string Cut(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length > 80 ? line[..80] : line;
    }
}

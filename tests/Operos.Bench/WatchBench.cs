using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Operos.Kubernetes;
using Operos.Lab;
using Operos.Policy.Nftables;

namespace Operos.Bench;

/// <summary>
/// What a worker's agent costs in a large cluster, of a real API server and etcd: the part of the agent that follows the API and keeps the
/// rules, as it is now and as it was before the watch cache, one after the other beside the same cluster. Bytes are those of the
/// connection, TLS included, counted by a relay.
/// </summary>
internal static class WatchBench
{
    private const int Beats = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3), Quiet = TimeSpan.FromSeconds(5);

    private sealed record Figures(long FirstBytes, double Seconds, long Rss, long Peak, double BeatCpu, long BeatCompilations,
        long RestartBytes, long RssAfter);

    public static async Task<IEnumerable<Row>> RunAsync(Build build, string parent)
    {
        using var folder = LabFolder.Create(parent, "watch");
        using var server = await BareApiServer.StartAsync(folder);
        using var client = new ApiClient(server.AccessBy(server.Port));
        var cluster = new WatchedCluster(client);
        await cluster.FillAsync();
        var before = await MeasureAsync(Path.Combine(build.Out, "bench-watch/before/Operos.Node.Tests"), folder, server, cluster);
        var now = await MeasureAsync(Path.Combine(build.Out, "bench-watch/now/Operos.Node.Tests"), folder, server, cluster);
        string Mb(long bytes) => (bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture) + " MB";
        return
        [
            new Row($"watch: {WatchedCluster.Pods} pods, {WatchedCluster.Policies} policies, {WatchedCluster.Nodes} nodes", "now",
                "before"),
            new Row("watch, a worker's RSS", Mb(now.Rss), Mb(before.Rss), "under 80 MB", now.Rss < 80e6),
            new Row("watch, RSS at most / after a restart", $"{Mb(now.Peak)} / {Mb(now.RssAfter)}",
                $"{Mb(before.Peak)} / {Mb(before.RssAfter)}", "under 80 MB", now.RssAfter < 80e6),
            new Row("watch, first lists on the wire", Mb(now.FirstBytes), Mb(before.FirstBytes)),
            new Row("watch, from start to rules in force", $"{now.Seconds:0.0} s", $"{before.Seconds:0.0} s"),
            new Row("watch, API server restarts, on the wire", Mb(now.RestartBytes), Mb(before.RestartBytes), "under 5 MB",
                now.RestartBytes < 5e6),
            new Row($"watch, {Beats} pods beat, compilations", $"{now.BeatCompilations}", $"{before.BeatCompilations}", "none",
                now.BeatCompilations == 0),
            new Row($"watch, {Beats} pods beat, CPU", $"{now.BeatCpu:0.00} s", $"{before.BeatCpu:0.00} s"),
        ];
    }

    private static async Task<Figures> MeasureAsync(string program, LabFolder folder, BareApiServer server, WatchedCluster cluster)
    {
        using var relay = new Relay(() =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(IPAddress.Loopback, server.Port);
            return socket;
        });
        var clock = Stopwatch.StartNew();
        using var agent = Process.Start(new ProcessStartInfo("setpriv",
            ["--pdeathsig", "KILL", program, $"https://127.0.0.1:{relay.Port}", folder["ca.crt"], folder["client.pem"], "node-0",
            folder.Path])
        { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        folder.NoteProcess(agent.Id);
        try
        {
            await UntilAsync(async () => await AskAsync(agent) is { IsInForce: true, Nodes: WatchedCluster.Nodes },
                "the agent has its rules in force");
            var seconds = clock.Elapsed.TotalSeconds;
            await SettledAsync(agent, relay);
            var (firstBytes, rss, peak) = (relay.Received, ProcessFigures.RssBytes(agent.Id), PeakBytes(agent.Id));

            var (compilations, cpu) = ((await AskAsync(agent)).Compilations, ProcessFigures.CpuSeconds(agent.Id));
            await cluster.BeatAsync(Beats, agent.Id);
            await SettledAsync(agent, relay);
            var (beatCompilations, beatCpu) = ((await AskAsync(agent)).Compilations - compilations,
                ProcessFigures.CpuSeconds(agent.Id) - cpu);

            var bytes = relay.Received;
            await server.KillAsync();
            await server.StartAsync();
            await cluster.RelabelAsync(17, $"restarted-{agent.Id}");
            compilations += beatCompilations;
            await UntilAsync(async () => (await AskAsync(agent)).Compilations > compilations, "the agent follows again");
            await SettledAsync(agent, relay);
            return new Figures(firstBytes, seconds, rss, peak, beatCpu, beatCompilations, relay.Received - bytes,
                ProcessFigures.RssBytes(agent.Id));
        }
        finally
        {
            agent.Kill(entireProcessTree: true);
            await agent.WaitForExitAsync();
            using var applier = new RulesetApplier();
            await applier.RemoveAsync(default);
        }
    }

    private static async Task<(long Compilations, int Nodes, bool IsInForce)> AskAsync(Process agent)
    {
        await agent.StandardInput.WriteLineAsync("?");
        var words = (await agent.StandardOutput.ReadLineAsync()
            ?? throw new LabException($"the agent has ended: {agent.ExitCode}")).Split(' ');
        return (long.Parse(words[0], CultureInfo.InvariantCulture), int.Parse(words[1], CultureInfo.InvariantCulture),
            bool.Parse(words[2]));
    }

    /// <summary>Nothing came and nothing was compiled for a while.</summary>
    private static async Task SettledAsync(Process agent, Relay relay)
    {
        var clock = Stopwatch.StartNew();
        for (var last = (-1L, -1L); ; await Task.Delay(Quiet))
        {
            var now = (relay.Received, (await AskAsync(agent)).Compilations);
            if (now == last) return;
            last = now;
            if (clock.Elapsed > Patience) throw new LabException($"the agent has not come to rest within {Patience.TotalSeconds:0} s");
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        for (var clock = Stopwatch.StartNew(); !await holds(); await Task.Delay(50))
            if (clock.Elapsed > Patience) throw new LabException($"not within {Patience.TotalSeconds:0} s: {what}");
    }

    private static long PeakBytes(int process) =>
        long.Parse(File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ',
            StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Operos.Lab;

namespace Operos.Bench;

/// <summary>The boot server against nginx: the same file, the same client, in turn.</summary>
internal static class HttpBench
{
    private const int Rounds = 3, Connections = 4, FilesPerConnection = 12;

    public static async Task<IEnumerable<Row>> RunAsync(Build build, string folder, Process controller)
    {
        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            user root; worker_processes 2; pid {{folder}}/nginx.pid; error_log {{folder}}/nginx.log; daemon off;
            events { worker_connections 1024; }
            http {
                access_log off; sendfile on; tcp_nopush on;
                server {
                    listen {{BenchController.Address}}:7490; root {{build.Out}};
                    location /releases/ { alias {{Path.GetDirectoryName(build.Release)}}/; }
                }
            }
            """);
        using var nginx = Process.Start(new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", "nginx", "-c", configuration])
            { RedirectStandardError = true })!;
        await Task.Delay(2000);
        var path = $"/releases/{Path.GetFileName(build.Release)}/base.squashfs";
        var size = new FileInfo(Path.Combine(build.Release, "base.squashfs")).Length;
        var workers = Directory.EnumerateDirectories("/proc")
            .Where(process => char.IsAsciiDigit(Path.GetFileName(process)[0]) && Parent(process) == nginx.Id)
            .Select(process => int.Parse(Path.GetFileName(process), System.Globalization.CultureInfo.InvariantCulture)).ToList();
        if (workers.Count == 0) throw new LabException($"nginx runs no workers; see {folder}/nginx.log");
        List<(double Rate, double Cpu)> ours = [], theirs = [];
        for (var round = 0; round <= Rounds; round++)
        {
            var mine = await MeasureAsync(7480, path, size, [controller.Id]);
            var other = await MeasureAsync(7490, path, size, workers);
            // The first round fills the page cache.
            if (round == 0) continue;
            ours.Add(mine);
            theirs.Add(other);
        }
        nginx.Kill(entireProcessTree: true);
        var (rate, nginxRate) = (Median(ours.Select(run => run.Rate)), Median(theirs.Select(run => run.Rate)));
        var (cpu, nginxCpu) = (Median(ours.Select(run => run.Cpu)), Median(theirs.Select(run => run.Cpu)));
        return
        [
            new Row("HTTP, throughput", $"{rate:0.00} GB/s", $"nginx {nginxRate:0.00}", $"ratio {rate / nginxRate:0.00}, at least 1",
                rate >= nginxRate),
            new Row("HTTP, CPU of the server", $"{cpu:0.000} s/GB", $"nginx {nginxCpu:0.000}", $"ratio {cpu / nginxCpu:0.00}, at most 1",
                cpu <= nginxCpu),
        ];
    }

    private static async Task<(double Rate, double Cpu)> MeasureAsync(int port, string path, long size, IReadOnlyList<int> server)
    {
        var before = ProcessFigures.CpuSeconds(server);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => Task.Run(() => Fetch(port, path, size))));
        var gigabytes = size * Connections * FilesPerConnection / 1e9;
        return (gigabytes / clock.Elapsed.TotalSeconds, (ProcessFigures.CpuSeconds(server) - before) / gigabytes);
    }

    /// <summary>GB/s of a single client.</summary>
    public static double FetchRate(int port, string path, long size)
    {
        var clock = Stopwatch.StartNew();
        Fetch(port, path, size);
        return size * FilesPerConnection / 1e9 / clock.Elapsed.TotalSeconds;
    }

    private static void Fetch(int port, string path, long size)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(BenchController.Address, port);
        var buffer = new byte[1 << 18];
        for (var file = 0; file < FilesPerConnection; file++)
        {
            socket.Send(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n"));
            var count = socket.Receive(buffer);
            var head = buffer.AsSpan(0, count).IndexOf("\r\n\r\n"u8);
            if (head < 0 || !buffer.AsSpan().StartsWith("HTTP/1.1 200"u8))
                throw new LabException($"port {port} answered {Encoding.ASCII.GetString(buffer, 0, Math.Min(count, 200))}");
            for (var left = size - (count - head - 4); left > 0; left -= count)
                if ((count = socket.Receive(buffer)) == 0) throw new LabException($"port {port} closed early");
        }
    }

    private static int Parent(string process)
    {
        try { return int.Parse(File.ReadAllText(process + "/stat").Split(')')[^1].Split(' ')[2],
            System.Globalization.CultureInfo.InvariantCulture); }
        catch (IOException) { return 0; }
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);
}

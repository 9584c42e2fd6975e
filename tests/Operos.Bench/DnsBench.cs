using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Controller.Configuration;
using Operos.Kubernetes.Objects;
using Operos.Lab;
using Operos.Names;

namespace Operos.Bench;

/// <summary>The cluster's name server with 1,000 services: memory, the time of a change, questions a second.</summary>
internal static class DnsBench
{
    private const int Services = 1000, Changes = 50, Questions = 50_000, Outstanding = 64;
    private static readonly IPEndPoint Server = new(IPAddress.Parse("127.0.0.2"), 53);

    public static async Task<IEnumerable<Row>> RunAsync(string folder)
    {
        var names = new ClusterNames();
        var settings = new ControllerSettings { Admission = AdmissionPolicy.Auto, Address = Server.Address,
            Network = IPNetwork.Parse("127.0.0.0/8") };
        var dns = new ClusterDns(settings.NameServer(new ControllerPaths { Run = Path.Combine(folder, "names"), State = folder }), names,
            TimeProvider.System, NullLogger<ClusterDns>.Instance);
        using var stop = new CancellationTokenSource();
        var running = dns.RunAsync(stop.Token);
        try
        {
            names.Services.Replace([Service("first", 1)]);
            await UntilFoundAsync("first", seconds: 20);
            var clock = Stopwatch.StartNew();
            var services = Enumerable.Range(0, Services).Select(number => Service($"s{number}", number)).ToList();
            names.Services.Replace([.. services]);
            await UntilFoundAsync($"s{Services - 1}", seconds: 20);
            var all = clock.Elapsed.TotalMilliseconds;

            var times = new double[Changes];
            for (var number = 0; number < Changes; number++)
            {
                clock.Restart();
                services.Add(Service($"new{number}", 2000 + number));
                names.Services.Replace([.. services]);
                await UntilFoundAsync($"new{number}", seconds: 5);
                times[number] = clock.Elapsed.TotalMilliseconds;
                await Task.Delay(60);
            }
            Array.Sort(times);
            var rate = Ask();
            var memory = new[] { dns.AuthorityProcess, dns.ResolverProcess }.Sum(process => ProcessFigures.RssBytes(process!.Value));
            return
            [
                new Row($"names, {Services} services at once", $"{all:0} ms"),
                new Row("names, a new service is found, p50 / max", $"{times[Changes / 2]:0.0} / {times[^1]:0.0} ms", "", "at most 1 s",
                    times[^1] <= 1000),
                new Row("names, questions answered", $"{rate / 1000:0.0} k a second"),
                new Row($"names, RSS of both daemons, {Services} services", $"{memory / 1e6:0.0} MB"),
            ];
        }
        finally
        {
            await stop.CancelAsync();
            await running.ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private static async Task UntilFoundAsync(string service, int seconds)
    {
        using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 500 };
        socket.Connect(Server);
        var buffer = new byte[2048];
        for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < seconds; await Task.Delay(2))
        {
            try
            {
                socket.Send(Query(service));
                if (socket.Receive(buffer) > 12 && buffer[7] > 0) return;
            }
            catch (SocketException) { }
        }
        throw new LabException($"{service} is not found within {seconds} s");
    }

    /// <summary>Questions a second with a bounded number on the way; from several addresses, since one alone is held back.</summary>
    private static double Ask()
    {
        var clock = Stopwatch.StartNew();
        const int clients = 40;
        var sockets = Enumerable.Range(0, clients).Select(number =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 1000 };
            socket.Bind(new IPEndPoint(new IPAddress([127, 0, 1, (byte)(number + 1)]), 0));
            socket.Connect(Server);
            return socket;
        }).ToList();
        var buffer = new byte[2048];
        var answered = 0;
        for (var sent = 0; sent < Questions; sent += Outstanding)
        {
            for (var number = 0; number < Outstanding; number++) sockets[number % clients].Send(Query($"s{(sent + number) % Services}"));
            for (var number = 0; number < Outstanding; number++)
            {
                sockets[number % clients].Receive(buffer);
                answered++;
            }
        }
        sockets.ForEach(socket => socket.Dispose());
        return answered / clock.Elapsed.TotalSeconds;
    }

    private static ServiceNames Service(string name, int number) => KubernetesObjects.Read(new ServiceObject
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "bench" },
        Spec = new ServiceSpec
        {
            ClusterIP = string.Create(CultureInfo.InvariantCulture, $"10.11.{number >> 8}.{number & 255}"),
            Ports = [new NetworkPort { Name = "http", Port = 80 }, new NetworkPort { Name = "https", Port = 443 }],
        },
    })!;

    private static byte[] Query(string service) =>
        [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. $"{service}.bench.svc.cluster.local".Split('.')
            .SelectMany(label => Encoding.ASCII.GetBytes(label).Prepend((byte)label.Length)), 0, 0, 1, 0, 1];
}

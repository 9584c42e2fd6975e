using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Hardware.Inventories;
using Operos.Lab;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Bench;

/// <summary>
/// Distinct machines enrol over TLS, each with a key and a connection of its own, and the controller writes each to disk.
/// </summary>
internal static class EnrolBench
{
    private const int Machines = 500, AtOnce = 32;

    public static async Task<IEnumerable<Row>> RunAsync(string folder, int controller)
    {
        using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(folder, "setup/admin/ca.crt"));
        // A worker makes its key on its own time.
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = new CertificateRequest("CN=bench", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        var times = new double[Machines];
        var clock = Stopwatch.StartNew();
        var (server, client, machine) = (ProcessFigures.CpuSeconds(controller), ProcessFigures.CpuSeconds(Environment.ProcessId),
            ProcessFigures.MachineBusySeconds());
        await Parallel.ForAsync(0, Machines, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (number, cancellationToken) =>
        {
            var own = Stopwatch.StartNew();
            await using var connection = await ControlConnection.ConnectAsync(
                new ControlClientOptions { Endpoint = new IPEndPoint(BenchController.Address, 7443), CertificateAuthority = authority,
                Agent = "bench/1" }, cancellationToken);
            var reply = await connection.CallAsync<EnrolReply>(
                new Enrol { Csr = csr, Inventory = Machine(number).ToJson(), BootRecord = [], BootId = $"boot-{number}" },
                cancellationToken);
            if (reply.Admission != Admission.Admitted) throw new InvalidOperationException(reply.Text);
            times[number] = own.Elapsed.TotalMilliseconds;
        });
        var seconds = clock.Elapsed.TotalSeconds;
        var rate = Machines / seconds;
        (server, client, machine) = (ProcessFigures.CpuSeconds(controller) - server,
            ProcessFigures.CpuSeconds(Environment.ProcessId) - client, ProcessFigures.MachineBusySeconds() - machine);
        Array.Sort(times);
        return
        [
            new Row("enrolments", $"{rate:0} a second", "", "at least 100, client on the same cores", rate >= 100),
            // Clients and whatever else runs take of the same cores: the rate alone would be the machine's, not the controller's.
            new Row("enrolment, CPU of the controller", $"{server / Machines * 1000:0.0} ms each",
                $"client {client / Machines * 1000:0.0} ms",
                $"of {Environment.ProcessorCount} cores: controller {server / seconds:0.00}, client {client / seconds:0.00}, others "
                    + $"{Math.Max(0, machine - server - client) / seconds:0.00}"),
            new Row($"enrolment, {AtOnce} at once, p50 / p99", $"{times[Machines / 2]:0} / {times[Machines * 99 / 100]:0} ms"),
        ];
    }

    /// <summary>The agent as a worker runs it, enrolled and idle.</summary>
    public static async Task<Row> MeasureWorkerAsync(Build build, string folder, IReadOnlyList<string> disks)
    {
        var inventory = Path.Combine(folder, "inventory.json");
        await File.WriteAllBytesAsync(inventory, Machine(Machines + 1).ToJson());
        using var worker = Process.Start(new ProcessStartInfo(
            "setpriv", ["--pdeathsig", "KILL", build.Binary("operos-worker"), "run", "--control", $"{BenchController.Address}:7443", "--ca",
            Path.Combine(folder, "setup/admin/ca.crt"),
            "--inventory", inventory, "--state-dir", Path.Combine(folder, "worker"), "--no-apply",
            .. disks.SelectMany(disk => (string[])["--disk", disk])]) { RedirectStandardOutput = true })!;
        await Task.Delay(5000);
        var enrolled = File.ReadAllText(Path.Combine(folder, "worker/status.json")).Contains("\"enrolled\"", StringComparison.Ordinal);
        var rss = ProcessFigures.RssBytes(worker.Id);
        worker.Kill();
        var most = disks.Count > 0 ? 60 : 40;
        var name = disks.Count > 0 ? $"worker, RSS enrolled and idle, {disks.Count} disks" : "worker, RSS enrolled and idle";
        return enrolled ? new Row(name, $"{rss / 1e6:0.0} MB", "", $"at most {most} MB", rss <= most * 1e6)
            : throw new LabException("the worker did not enrol");
    }

    private static Inventory Machine(int number) => new()
    {
        System = new Identity { Vendor = "Acme", Serial = $"BENCH{number:d6}", Uuid = $"20000000-0000-4000-8000-{number:x12}" },
        Nics = [new Nic { Mac = $"3c:ec:ef:aa:{number >> 8:x2}:{number & 255:x2}" }],
        Disks = [.. Enumerable.Range(0, 8).Select(disk => new Disk { Model = "SSD", Serial = $"BENCH{number:d6}-{disk}" })],
    };
}

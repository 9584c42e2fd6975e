using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Operos.Controller.Machines;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Disks;

/// <summary>
/// The last word of each machine on its disks, in memory at once and in a file each soon after: machines tell each step of their work. A
/// file that is lost, cannot be read or written costs what is known of a machine that is down: one that is up says it again.
/// </summary>
internal sealed class DiskReports
{
    private const string Suffix = ".json";
    private const int MostKeys = 512;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly string folder;
    private readonly MachineRegistry machines;
    private readonly TimeProvider time;
    private readonly ILogger<DiskReports> logger;
    private readonly Lock reportsLock = new();
    private readonly Dictionary<string, DiskReport> reports = new(StringComparer.Ordinal);
    private readonly HashSet<string> unwritten = [];
    private readonly HashSet<string> notKept = [];
    private readonly Channel<bool> changed = Channel.CreateBounded<bool>(new BoundedChannelOptions(1)
        { FullMode = BoundedChannelFullMode.DropWrite });

    public DiskReports(string folder, MachineRegistry machines, TimeProvider time, ILogger<DiskReports> logger)
    {
        (this.folder, this.machines, this.time, this.logger) = (folder, machines, time, logger);
        if (!Directory.Exists(folder)) return;
        foreach (var path in Directory.GetFiles(folder, "*" + Suffix))
            if (Read(path) is { } report) reports[report.Machine] = report;
    }

    /// <summary>Of the machines that there are.</summary>
    public IReadOnlyList<DiskReport> All
    {
        get { lock (reportsLock) return [.. reports.Values.Where(report => machines.Get(report.Machine) is not null)]; }
    }

    /// <summary>Null where a machine never told.</summary>
    public DiskReport? Of(string machine)
    {
        lock (reportsLock) return reports.GetValueOrDefault(machine);
    }

    /// <summary>Takes what a machine says now.</summary>
    /// <returns>What it said before; null where that was nothing.</returns>
    public DiskReport? Take(string machine, ReportDisks said)
    {
        List<string> gone;
        DiskReport? before;
        lock (reportsLock)
        {
            before = reports.GetValueOrDefault(machine);
            Put(new DiskReport
            {
                Machine = machine, At = time.GetUtcNow(), Disks = DiskWords.Bounded(said.Disks), Keys = before?.Keys ?? [],
            });
            // A machine that was removed has no disks here any more.
            gone = [.. reports.Keys.Where(known => !machines.Knows(known))];
            foreach (var known in gone) reports.Remove(known);
        }
        foreach (var known in gone) Try(known, () => AtomicFile.Delete(PathOf(known)));
        return before;
    }

    /// <summary>Whether a machine got the key of a disk before.</summary>
    public bool HadKey(string machine, string disk) => Of(machine)?.Keys.Contains(disk) == true;

    /// <summary>
    /// Notes that a machine gets the key of a disk. Others that had it keep that: they know it, and a machine whose disk comes late after a
    /// boot must not lose its right to whoever was faster.
    /// </summary>
    public void GiveKey(string machine, string disk)
    {
        lock (reportsLock)
        {
            if (reports.GetValueOrDefault(machine) is not { } report || report.Keys.Contains(disk)) return;
            Put(report with { Keys = [.. report.Keys.TakeLast(MostKeys - 1), disk] });
        }
    }

    /// <summary>Writes the newest word of each machine, now and then, until it is told to end; then what is left.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await changed.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                Write();
                await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
        finally { Write(); }
    }

    private void Put(DiskReport report)
    {
        reports[report.Machine] = report;
        unwritten.Add(report.Machine);
        changed.Writer.TryWrite(true);
    }

    private void Write()
    {
        List<DiskReport> those;
        lock (reportsLock)
        {
            those = [.. reports.Values.Where(report => unwritten.Contains(report.Machine) && machines.Knows(report.Machine))];
            unwritten.Clear();
        }
        foreach (var report in those)
            Try(report.Machine, () =>
            {
                Directory.CreateDirectory(folder, FileModes.PrivateFolder);
                RecordFile.Write(PathOf(report.Machine), report, DiskJson.Default.DiskReport, DiskReport.CurrentFormat);
            });
    }

    private void Try(string machine, Action change)
    {
        try
        {
            change();
            lock (reportsLock) notKept.Remove(machine);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
        {
            bool isNew;
            lock (reportsLock) isNew = notKept.Add(machine);
            if (isNew) logger.ReportNotKept(machine, e.Message);
        }
    }

    private DiskReport? Read(string path)
    {
        try
        {
            var report = RecordFile.Read(path, DiskJson.Default.DiskReport, DiskReport.CurrentFormat);
            if (report?.Machine != Path.GetFileNameWithoutExtension(path)) throw new JsonException("its machine is not its file's name");
            return report with
            {
                Disks = DiskWords.Bounded(report.Disks), Keys = [.. (report.Keys ?? []).OfType<string>().TakeLast(MostKeys)],
            };
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            logger.ReportUnreadable(path, e.Message);
            return null;
        }
    }

    private string PathOf(string machine) => Path.Combine(folder, machine + Suffix);
}

using Microsoft.Extensions.Logging;
using Operos.Controller.Audit;
using Operos.Controller.Configuration;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Disks;

/// <summary>The disks of the rack: what workers say of them, what they are told, and the keys that they get.</summary>
internal sealed class RackDisks
{
    /// <summary>How much a machine may ask within some minutes; a wipe tells its progress once a second.</summary>
    private const int MostRequests = 150;
    private const int MostKeys = 64, MostAudited = 64, LongestAsked = 4096, BusySeconds = 5;

    private readonly StorageConfiguration settings;
    private readonly MachineRegistry machines;
    private readonly Sessions sessions;
    private readonly AuditLog audit;
    private readonly TimeProvider time;
    private readonly ILogger<RackDisks> logger;
    private readonly DiskReports reports;
    private readonly DiskMentions mentions;
    private readonly DiskSecret secret;
    private readonly Lock useLock = new();
    private readonly RecentUse<string> use;
    /// <summary>
    /// What the audit log has of a machine's keys in a day: whoever asks again and again must not push out what others did.
    /// </summary>
    private readonly Dictionary<string, (DateTimeOffset Since, HashSet<string> Entries)> audited = new(StringComparer.Ordinal);

    public RackDisks(ControllerSettings settings, ControllerPaths paths, MachineRegistry machines, Sessions sessions, AuditLog audit,
        TimeProvider time, ILoggerFactory loggers)
    {
        (this.settings, this.machines, this.sessions, this.audit, this.time) = (settings.Storage, machines, sessions, audit, time);
        logger = loggers.CreateLogger<RackDisks>();
        use = new(time);
        reports = new DiskReports(paths.DiskReports, machines, time, loggers.CreateLogger<DiskReports>());
        mentions = new DiskMentions(machines, time);
        secret = new DiskSecret(paths.DiskSecret, paths.DiskSecretRecord, time);
        secret.Prepare();
        if (secret.Trouble is { } trouble) logger.KeysNotGiven(trouble);
        Excluded = new ExcludedDisks(paths.ExcludedDisks, time, loggers.CreateLogger<ExcludedDisks>());
        Views = new DiskViews(reports, Excluded, machines, sessions, time);
    }

    public ExcludedDisks Excluded { get; }

    public DiskViews Views { get; }

    /// <summary>What of all this cannot be read, with the way out.</summary>
    public IEnumerable<string> Unreadable => ((string?[])[Excluded.Trouble, secret.Trouble]).OfType<string>();

    /// <summary>What a machine is told to do with its disks; null for nothing, where it is not known which are kept out.</summary>
    public StorageConfiguration? Configure(string machine) =>
        Excluded.Trouble is null ? settings with { Excluded = Excluded.TellTo(machine) } : null;

    /// <summary>Keeps what machines say, until it is told to end.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => reports.RunAsync(cancellationToken);

    /// <summary>Answers a worker.</summary>
    public Message Serve(Message request, string machine)
    {
        lock (useLock)
        {
            if (use.Of(machine) > MostRequests)
                return new Fault { Code = FaultCode.Busy, Text = "too often asked about disks", RetryAfterSeconds = BusySeconds };
            use.Add(machine, 1);
        }
        return request switch
        {
            ReportDisks report => Take(report, machine),
            IssueDiskKeys issue => Issue(issue, machine),
            _ => throw new ArgumentException("no worker's request about disks", nameof(request)),
        };
    }

    /// <summary>The secret of the OSD on a partition of a disk, 32 bytes, for the machine that has the disk.</summary>
    /// <exception cref="RefusedException">It has not, or there is no secret.</exception>
    public byte[] IssueOsdSecret(string disk, Guid partition, string machine)
    {
        var secretOf = secret.OsdSecretOf(Owned(disk, machine), partition);
        reports.GiveKey(machine, disk);
        return secretOf;
    }

    /// <summary>Writes to the audit log who got what, or did not; each once a day.</summary>
    /// <returns>Whether it did.</returns>
    public bool AuditOsd(string machine, Guid partition, AuditOutcome outcome, string? text) =>
        Audit(machine, "osd key", ("partition", $"{partition}"), outcome, text);

    /// <summary>The secret of a machine's client of Ceph, 32 bytes.</summary>
    /// <exception cref="RefusedException">There is no secret.</exception>
    public byte[] IssueClientSecret(Guid machine) => secret.ClientSecretOf(machine);

    /// <summary>Writes to the audit log that a machine got the key by which it maps volumes; once a day.</summary>
    public void AuditClient(string machine, string user) => Audit(machine, "volume key", ("user", user), AuditOutcome.Done, null);

    /// <summary>Whether a machine told that it has a disk, by the id in its record.</summary>
    public bool HasTold(string machine, string disk) => reports.Of(machine)?.Disks.Any(one => one.RecordDisk == disk) == true;

    private Message Take(ReportDisks report, string machine)
    {
        if (report.Disks is not { Count: <= DiskWords.MostDisks })
            return new Fault { Code = FaultCode.BadRequest, Text = $"a report of over {DiskWords.MostDisks} disks" };
        if (reports.Take(machine, report) is { } before) mentions.Tell(machine, before.Disks, reports.Of(machine)!.Disks);
        return new Done { Text = "noted" };
    }

    /// <summary>
    /// A disk's key goes to the machine that has the disk, and where another that is up says so, too, to one that had it before: no
    /// machine's word keeps another from its disks.
    /// </summary>
    private Message Issue(IssueDiskKeys request, string machine)
    {
        if (request.Disks is not { Count: > 0 and <= MostKeys })
            return new Fault { Code = FaultCode.BadRequest, Text = $"keys of 1 to {MostKeys} disks may be asked for" };
        var keys = new Dictionary<string, byte[]>();
        var asked = ("disks", string.Join(' ', request.Disks));
        try
        {
            foreach (var id in request.Disks) keys[id] = secret.KeyOf(Owned(id, machine));
        }
        catch (RefusedException e)
        {
            Audit(machine, "disk keys", asked, AuditOutcome.Refused, e.Message);
            logger.KeysNotGiven(e.Message);
            throw;
        }
        foreach (var id in keys.Keys) reports.GiveKey(machine, id);
        Audit(machine, "disk keys", asked, AuditOutcome.Done, null);
        logger.KeysGiven(machine, keys.Count);
        return new DiskKeys { Keys = keys };
    }

    private Guid Owned(string called, string machine)
    {
        if (!Guid.TryParseExact(called, "D", out var id) || id.ToString() != called)
            throw new RefusedException(RefusalKind.Invalid, "a disk's key is asked for by no id of a disk");
        var now = time.GetUtcNow();
        bool Is(DiskState disk) => disk.RecordDisk == called && disk.Class is "ours" or "unfinished-ours";
        bool Has(DiskReport report) => report.Disks.Any(Is);
        if (reports.Of(machine)?.Disks.FirstOrDefault(Is) is not { } has)
            throw new RefusedException(RefusalKind.NotFound, $"{machine} has not told that it has the disk {called}");
        // One that is in use already stays so until the machine's next boot; another is not put to work.
        if (has.Class != "ours" && Excluded.Find(has.Identity, machine) is not null)
            throw new RefusedException(RefusalKind.Conflict, $"the disk {called} ({has.Identity}) is kept out",
                $"to have it used: operosctl disks reclaim {has.Identity}");
        if (reports.All.FirstOrDefault(report => report.Machine != machine && Has(report)
            && sessions.Get(report.Machine)?.IsUp(now) == true) is not { } other) return id;
        var text = $"{machine} and {other.Machine} both say that they have the disk {called}";
        if (reports.HadKey(machine, called))
        {
            mentions.Note(machine, $"{text}: this one had its key before, and gets it");
            return id;
        }
        mentions.Note(machine, $"{text}: this one never had its key, and gets none");
        throw new RefusedException(RefusalKind.Conflict, text, "one of the two is a copy: operosctl disks list");
    }

    private bool Audit(string machine, string operation, (string Name, string Ids) of, AuditOutcome outcome, string? text)
    {
        lock (useLock)
        {
            var now = time.GetUtcNow();
            if (!audited.TryGetValue(machine, out var day) || now - day.Since > TimeSpan.FromDays(1)) audited[machine] = day = (now, []);
            var ids = PrintableText.Line(of.Ids, LongestAsked);
            if (day.Entries.Count >= MostAudited || !day.Entries.Add($"{operation} {outcome} {ids}")) return false;
        }
        var entry = audit.Describe(machine, "worker", machines.Get(machine)?.Address ?? "", operation, [of]);
        audit.Ended(entry, outcome, text);
        return true;
    }
}

using Operos.Backup;
using Operos.Controller.Backups;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>Backups as operators see them.</summary>
internal static class BackupViews
{
    public static BackupSummary Describe(StoredBackup backup) => new()
    {
        Name = backup.Name, SizeBytes = backup.Size, Problem = backup.Problem, Kind = backup.Manifest?.Kind,
        CreatedUnixMs = backup.Manifest?.Created.ToUnixTimeMilliseconds() ?? 0, Release = backup.Manifest?.Release,
        Revision = backup.Manifest?.Revision ?? 0, Files = backup.Manifest?.Parts.Count ?? 0, Cluster = backup.Manifest?.Cluster,
    };

    public static RefusedException Failed(string what, IOException reason) => new(RefusalKind.Conflict, $"{what}: {reason.Message}",
        reason is BackupException ? null : "operosctl status says how etcd and the disk are");
}

/// <summary>The backups on the controller's disk.</summary>
internal sealed class BackupListing(RackBackups backups, int kept) : Reading<ListBackups>("backup list")
{
    protected override Message Read(ListBackups input, Caller caller) => new BackupList
    {
        Backups = [.. backups.Store.All.Select(BackupViews.Describe)],
        NextUnixMs = kept == 0 ? 0 : backups.Schedule.Due.ToUnixTimeMilliseconds(),
    };
}

/// <summary>Makes one now.</summary>
internal sealed class BackupCreation(RackBackups backups) : Operation<CreateBackup>("backup create", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(CreateBackup input) => [];

    protected override async Task<Message> RunAsync(CreateBackup input, Caller caller, CancellationToken cancellationToken)
    {
        if (backups.Maker.Obstacle is { } obstacle)
            throw new RefusedException(RefusalKind.Conflict, $"no backup can be made now: {obstacle}", "operosctl status");
        // Whoever does not wait for it does not end it.
        try { return new BackupReply { Backup = BackupViews.Describe(await backups.Maker.MakeAsync(BackupStore.Manual,
            CancellationToken.None).WaitAsync(cancellationToken).ConfigureAwait(false)) }; }
        catch (IOException e) { throw BackupViews.Failed("no backup was made", e); }
    }
}

/// <summary>Reads all of one.</summary>
internal sealed class BackupVerification(RackBackups backups) : Operation<VerifyBackup>("backup verify", OperatorRole.Operator)
{
    public override bool Changes => false;

    protected override IEnumerable<(string Name, string? Value)> Record(VerifyBackup input) => [("backup", input.Name)];

    protected override async Task<Message> RunAsync(VerifyBackup input, Caller caller, CancellationToken cancellationToken)
    {
        var path = backups.Store.Find(input.Name);
        try
        {
            var manifest = await backups.Maker.VerifyAsync(path, cancellationToken).ConfigureAwait(false);
            return new BackupReply { Backup = BackupViews.Describe(new(input.Name, new FileInfo(path).Length, manifest, null)) };
        }
        catch (IOException e) { throw BackupViews.Failed(input.Name, e); }
    }
}

/// <summary>Gives one out, and with it every key of the cluster.</summary>
internal sealed class BackupOpening(RackBackups backups) : Operation<OpenBackup>("backup copy", OperatorRole.Admin)
{
    public override bool GivesPower => true;

    protected override IEnumerable<(string Name, string? Value)> Record(OpenBackup input) => [("backup", input.Name)];

    protected override Task<Message> RunAsync(OpenBackup input, Caller caller, CancellationToken cancellationToken)
    {
        var (ticket, size) = backups.Tickets.Issue(input.Name, caller.Name);
        return Task.FromResult<Message>(new BackupTicket { Ticket = ticket, SizeBytes = size });
    }
}

/// <summary>A part of one that was given out.</summary>
internal sealed class BackupReading(RackBackups backups) : Reading<ReadBackup>("backup copy, a part", OperatorRole.Admin)
{
    protected override Message Read(ReadBackup input, Caller caller) =>
        new BackupData { Data = backups.Tickets.Read(input.Ticket, caller.Name, input.Offset) };
}

using Microsoft.Extensions.Logging;

namespace Operos.Controller.Backups;

/// <summary>A backup a day; one that was missed while the controller was off is made up for when it is on again.</summary>
/// <param name="kept">How many are kept; 0: none is made.</param>
/// <param name="founded">When the cluster was set up, or before: the first backup is due an hour later.</param>
internal sealed class BackupSchedule(BackupStore store, BackupMaker maker, int kept, DateTimeOffset founded, TimeProvider time,
    ILogger<BackupSchedule> logger)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1), First = TimeSpan.FromHours(1), Look = TimeSpan.FromSeconds(30),
        Again = TimeSpan.FromMinutes(15);

    private (string Text, DateTimeOffset Since)? trouble;
    private DateTimeOffset notBefore;

    /// <summary>When the next is due.</summary>
    public DateTimeOffset Due => store.Newest(BackupStore.Daily, time.GetUtcNow()) is { } newest ? newest + Day : founded + First;

    public (bool Healthy, string Text, DateTimeOffset Since) Status
    {
        get
        {
            if (trouble is var (text, since)) return (false, $"none was made: {text}", since);
            var newest = store.Newest(BackupStore.Daily, time.GetUtcNow());
            return (true, kept == 0 ? "none is made by itself (backup.keep)" : newest is null
                ? Due <= time.GetUtcNow() ? "the first is made as soon as all that it needs runs"
                    : $"the first comes at {Due.UtcDateTime:yyyy-MM-dd HH:mm} UTC"
                : $"the newest of each day is of {newest.Value.UtcDateTime:yyyy-MM-dd HH:mm} UTC", newest ?? founded);
        }
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        store.Clear();
        var started = time.GetUtcNow();
        for (; ; await Task.Delay(Look, time, cancellationToken).ConfigureAwait(false))
        {
            var now = time.GetUtcNow();
            if (kept == 0 || now < Due || now < notBefore) continue;
            // A control plane that has just begun is given the time to.
            if (maker.Obstacle is { } obstacle)
            {
                if (now - started > Again) Fail(obstacle, now);
                continue;
            }
            try
            {
                await maker.MakeAsync(BackupStore.Daily, cancellationToken).ConfigureAwait(false);
                trouble = null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or RefusedException)
            {
                Fail(e.Message, now);
                notBefore = now + Again;
            }
        }
    }

    private void Fail(string reason, DateTimeOffset now)
    {
        if (trouble?.Text != reason) logger.NotMade(reason);
        trouble = (reason, trouble?.Since ?? now);
    }
}

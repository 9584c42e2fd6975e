using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Ceph.Pools;
using Operos.Controller.Connections;
using Operos.Controller.Disks;
using Operos.Controller.Machines;
using Operos.Proto;

namespace Operos.Controller.Storage;

/// <summary>
/// Gives a machine what it needs to map a volume's image, one machine at a time. That it has it is written down first; it counts until the
/// machine gives it back or boots anew, whatever becomes of the controller. An image that nobody has, and that is open all the same, is not
/// given out either: what is written down may be older than what is so.
/// </summary>
/// <param name="ceph">Null where this cluster has none.</param>
/// <param name="images">Null where this cluster has no Ceph.</param>
internal sealed class VolumeGrants(CephMonitor? ceph, PoolImages? images, RackDisks disks, MachineRegistry machines, VolumeBook book,
    TimeProvider time, ILogger logger)
{
    private const int BusySeconds = 5;
    /// <summary>Of a machine within some minutes.</summary>
    private const int MostRequests = 1000;

    private readonly Lock useLock = new();
    private readonly RecentUse<string> use = new(time);

    /// <exception cref="RefusedException">It is not done.</exception>
    public async Task<Message> AnswerAsync(Message request, string machine, CancellationToken cancellationToken)
    {
        if (ceph is null || images is null)
            throw new RefusedException(RefusalKind.Conflict, "this cluster has no Ceph", "storage.ceph in controller.toml");
        if (book.Trouble is { } trouble) throw new RefusedException(RefusalKind.Conflict, trouble);
        if (IsTooOften(machine)) return Busy("too often asked about volumes");
        try
        {
            return request switch
            {
                StageVolume stage => await StageAsync(ceph, images, stage, machine, cancellationToken).ConfigureAwait(false),
                TellVolume tell => await TellAsync(ceph, images, tell, machine, cancellationToken).ConfigureAwait(false),
                ReleaseVolume release => Release(release, machine),
                _ => throw new ArgumentException("no worker's request about volumes", nameof(request)),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return Busy(e.Message); }
    }

    /// <summary>Who has a volume, in words; null where nobody has.</summary>
    public string? WhoHas(string volume) => book.Find(volume, volume) is { } holder ? Describe(holder) : null;

    private async Task<Message> StageAsync(CephMonitor monitor, PoolImages pool, StageVolume request, string machine,
        CancellationToken cancellationToken)
    {
        var (volume, name) = (Checked(request.Volume), Checked(request.Image));
        if (!Guid.TryParseExact(machine, "D", out var id) || machines.Get(machine) is not { BootId: { } boot } record)
            throw new RefusedException(RefusalKind.Conflict, $"{machine} has not told which boot it is in");
        RequireNotGivenUp(record, boot);
        var own = book.Find(volume, name);
        Require(own, volume, machine);
        var image = await pool.FindAsync(name, cancellationToken).ConfigureAwait(false)
            ?? throw new RefusedException(RefusalKind.NotFound, $"there is no image {name}", "operosctl volumes list");
        // Its own may be from its last boot, or older than what is written down here.
        if (own is null && image.Watchers.FirstOrDefault(watcher => !IsOf(watcher, record.Address)) is { } other)
            return Busy($"{name} is still open at {other}: one that died is forgotten after 30 s");
        var key = CephKey.Of(disks.IssueClientSecret(id).AsSpan(0, CephKey.SecretBytes));
        var user = await monitor.LetInAsync(id, key, cancellationToken).ConfigureAwait(false);
        var map = monitor.Map ?? throw new IOException("where the monitor is, is not known yet");
        var taken = new StagedVolume { Volume = volume, Image = name, Machine = machine, BootId = boot, Since = time.GetUtcNow() };
        if (book.Take(taken) is not { } holder)
        {
            // Its user was made anew just after it was removed.
            await monitor.RemoveUserAsync(id, cancellationToken).ConfigureAwait(false);
            RequireNotGivenUp(record, boot);
            return Busy($"{machine} was given up just now, and boots anew");
        }
        Require(holder, volume, machine);
        if (own is null) logger.VolumeStaged(machine, volume);
        disks.AuditClient(machine, user);
        return new VolumeGrant
        {
            Fsid = $"{map.Fsid}", Monitors = map.Monitors, Pool = PoolImages.Pool, Image = name, User = user, Key = key.Text,
            Bytes = image.Bytes,
        };
    }

    /// <summary>
    /// A controller that was put back from a backup does not know what was mapped after it, nor does a monitor that was made anew know as
    /// whom: what nobody else has is the machine's that says so, on the same terms as when it asks for it.
    /// </summary>
    private async Task<Message> TellAsync(CephMonitor monitor, PoolImages pool, TellVolume request, string machine,
        CancellationToken cancellationToken)
    {
        var volume = Checked(request.Volume);
        if (request.Addresses is not { Count: <= TellVolume.MostAddresses } || !request.Addresses.All(IsAddress))
            throw new RefusedException(RefusalKind.Invalid, "an address of a client of Ceph is told that is none");
        var isNews = book.Find(volume, volume) is null;
        if (isNews)
        {
            var answer = await StageAsync(monitor, pool, new StageVolume { Volume = volume, Image = volume }, machine, cancellationToken)
                .ConfigureAwait(false);
            if (answer is not VolumeGrant) return answer;
            logger.VolumeTold(machine, volume);
        }
        if (!book.Tell(volume, machine, request.Addresses, isNews && monitor.Rebuilt is not null))
            throw new RefusedException(RefusalKind.Conflict, $"{machine} does not have {volume} in this boot", "it is staged first");
        return new Done { Text = "noted" };
    }

    private Done Release(ReleaseVolume request, string machine)
    {
        var volume = Checked(request.Volume);
        if (book.Release(volume, machine)) logger.VolumeReleased(machine, volume);
        return new Done { Text = "noted" };
    }

    private void RequireNotGivenUp(MachineRecord machine, string boot)
    {
        if (book.FenceOf(machine.Id, boot) is { } fence)
            throw new RefusedException(RefusalKind.Conflict, string.Create(CultureInfo.InvariantCulture,
                $"{machine.Name ?? machine.Id} was given up at {fence.Since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC, and its volumes went to ")
                + "others: it gets none in this boot", $"operosctl machines reboot {machine.Id} --now");
    }

    private void Require(StagedVolume? holder, string volume, string machine)
    {
        if (holder is null || (holder.Machine == machine && holder.Volume == volume)) return;
        throw new RefusedException(RefusalKind.Conflict, $"{volume} is in use: {Describe(holder)}",
            "it is free when no pod there uses it, or when that machine boots anew");
    }

    private string Describe(StagedVolume holder) => string.Create(CultureInfo.InvariantCulture,
        $"{machines.Get(holder.Machine)?.Name ?? holder.Machine} has {holder.Volume} since {holder.Since.UtcDateTime:yyyy-MM-dd HH:mm:ss}")
        + " UTC";

    private static string Checked(string? name) => ImageName.IsValid(name) ? name!
        : throw new RefusedException(RefusalKind.Invalid, "a volume or an image is asked for by no name of one");

    /// <param name="watcher">With its nonce, such as <c>10.0.0.7:0/2754081033</c>.</param>
    private static bool IsOf(string watcher, string? address) => IPAddress.TryParse(address, out var own)
        && IPEndPoint.TryParse(watcher.Split('/')[0], out var from) && from.Address.Equals(own);

    private static bool IsAddress(string address) => address.Length is > 0 and <= TellVolume.LongestAddress
        && address.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or ':' or '/' or '[' or ']');

    private bool IsTooOften(string machine)
    {
        lock (useLock)
        {
            if (use.Of(machine) > MostRequests) return true;
            use.Add(machine, 1);
            return false;
        }
    }

    private static Fault Busy(string text) =>
        new() { Code = FaultCode.Busy, Text = text, Hint = "operosctl storage status", RetryAfterSeconds = BusySeconds };
}

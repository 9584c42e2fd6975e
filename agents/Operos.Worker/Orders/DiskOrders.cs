using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Proto;
using Operos.Storage.Classes;
using Operos.Storage.Looks;
using Operos.Storage.Reports;
using Operos.Storage.Wipes;
using Operos.Storage.Work;
using Operos.Worker.Configuration;
using Operos.Worker.Disks;

namespace Operos.Worker.Orders;

/// <summary>
/// Carries out what operators order of disks. To wipe one takes the signature of the cluster's authority, which this machine pinned when it
/// booted: the connection that the order comes by is not enough. One is wiped at a time, and nobody else works on disks meanwhile.
/// </summary>
internal sealed class DiskOrders(WorkerSettings settings, DiskBoard board, TimeProvider time, ILogger<DiskOrders> logger)
    : BackgroundService
{
    private const int MostWaiting = 16, MostLights = 8, LongestLight = 600, LongestText = 400, MostNamed = 4;
    private static readonly TimeSpan ClockError = TimeSpan.FromSeconds(30), ProgressPause = TimeSpan.FromSeconds(1),
        WaitTold = TimeSpan.FromSeconds(10), LongestWait = TimeSpan.FromHours(1);

    private readonly Lock takenLock = new();
    private readonly Dictionary<Guid, DateTimeOffset> taken = [];
    private readonly ConcurrentDictionary<Guid, Task> wipes = [], lights = [];
    private readonly CancellationTokenSource ending = new();

    /// <param name="machine">This machine's id, as the controller tells it; null while it is not known.</param>
    public Message Answer(Message request, string? machine) => request switch
    {
        WipeDisk wipe => Take(wipe, machine),
        LocateDisk locate => Locate(locate),
        _ => new Fault { Code = FaultCode.BadRequest, Text = $"{request.GetType().Name} is no order about disks" },
    };

    public override void Dispose()
    {
        ending.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await ending.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll([.. wipes.Values, .. lights.Values]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Checks all that can be without the disk; the disk is looked at again when its turn has come.</summary>
    private Message Take(WipeDisk wipe, string? machine)
    {
        WipeOrder order;
        try
        {
            using var authority = settings.Authority.GetECDsaPublicKey()!;
            order = WipeOrder.Verified(wipe.Order ?? [], wipe.Signature ?? [], authority);
        }
        catch (StorageException e) { return Refuse(FaultCode.Unauthorized, e.Message); }
        if (order.Machine.ToString() != machine) return Refuse(FaultCode.Conflict, $"the order is for another machine, {order.Machine}");
        var now = time.GetUtcNow();
        if (order.Expires <= now || order.Issued > now + ClockError)
            return Refuse(FaultCode.Conflict, order.Expires <= now ? "the order has expired" : "the order is from the future",
                "operosctl status says whose clock is off; then order it again");
        var named = (board.Disks ?? []).Where(disk => disk.Identity == order.Disk).ToList();
        if (named is not [var found])
            return named.Count == 0 ? Refuse(FaultCode.NotFound, $"there is no disk {PrintableText.Line(order.Disk)} here")
                : Refuse(FaultCode.Conflict, $"{named.Count} disks here have the identity {order.Disk}: it says not which is meant",
                    "pull the others");
        if (found.Wipe is { State: DiskWipe.Running }) return Refuse(FaultCode.Conflict, $"{found.Name} is being wiped already");
        lock (takenLock)
        {
            foreach (var over in wipes.Where(entry => entry.Value.IsCompleted)) wipes.TryRemove(over);
            if (wipes.Count >= MostWaiting) return Refuse(FaultCode.Busy, $"{MostWaiting} wipes wait already");
            foreach (var old in taken.Where(entry => entry.Value < now - ClockError).Select(entry => entry.Key).ToList()) taken.Remove(old);
            if (!taken.TryAdd(order.Id, order.Expires)) return Refuse(FaultCode.Conflict, "the order was given before: it counts once");
            // Told first: it may be over at once.
            Tell(order, found.Name, DiskWipe.Running, Waiting(found.Name, TimeSpan.Zero));
            wipes[order.Id] = Task.Run(() => WipeAsync(order, found.Name, now, ending.Token), ending.Token);
        }
        return new Done { Text = "the wipe has begun" };
    }

    private Fault Refuse(string code, string text, string? hint = null)
    {
        logger.OrderRefused(text);
        return new Fault { Code = code, Text = $"nothing is wiped: {text}", Hint = hint };
    }

    /// <param name="now">When the order was taken.</param>
    private async Task WipeAsync(WipeOrder order, string name, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            using var turn = await WaitAsync(order, name, cancellationToken).ConfigureAwait(false);
            var policy = settings.DiskPolicy(order.Machine);
            // An OSD has its partition for itself, which no look tells. The next one has it start again where it is still there.
            if (board.EndUseAsync is { } endUseAsync) await endUseAsync(name, cancellationToken).ConfigureAwait(false);
            var disks = await MachineDisks.LookAsync(policy, settings.Disks, cancellationToken).ConfigureAwait(false);
            var disk = disks.Where(disk => DiskIdentity.Of(disk.Evidence.Facts, disk.Record) == order.Disk).ToList() is [var one]
                && one.Evidence.Facts.Name == name ? one
                : throw new StorageException($"{name} is no longer the disk {order.Disk}, or not the only one");
            logger.DiskWork($"{name} is wiped by order {order.Id}");
            Tell(order, name, DiskWipe.Running, "it has begun");
            var progress = new Progress(time, text => Tell(order, name, DiskWipe.Running, text));
            await new DiskWiper(policy, Path.Combine(settings.StateFolder, "used-orders"), time) { Taken = now }
                .WipeAsync(disk, order, progress, cancellationToken).ConfigureAwait(false);
            var after = await LookAsync(disk, policy, cancellationToken).ConfigureAwait(false);
            Tell(order, name, DiskWipe.Finished,
                "it is wiped: every place where anything known would stand was read again, and is blank", after);
            logger.DiskWork($"{name} is wiped");
        }
        // Whatever a disk holds, it ends no agent.
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            var text = PrintableText.Line(e.Message, LongestText) ?? "it failed";
            Tell(order, name, DiskWipe.Failed, text);
            logger.OrderRefused(text);
        }
        board.Ask();
    }

    /// <summary>Waits for the turn, and tells that it does, and for what, as long as it does.</summary>
    private async Task<IDisposable> WaitAsync(WipeOrder order, string name, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var turn = board.TakeTurnAsync(cancellationToken);
        while (true)
        {
            try { return await turn.WaitAsync(WaitTold, cancellationToken).ConfigureAwait(false); }
            catch (TimeoutException) { Tell(order, name, DiskWipe.Running, Waiting(name, time.GetElapsedTime(start))); }
            if (time.GetElapsedTime(start) < LongestWait) continue;
            // It comes all the same, for somebody else then.
            _ = turn.ContinueWith(late => late.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default);
            throw new StorageException($"{Waiting(name, time.GetElapsedTime(start))}: nothing was wiped; order it again");
        }
    }

    private string Waiting(string name, TimeSpan since)
    {
        var others = (board.Disks ?? []).Where(disk => disk.Name != name)
            .Where(disk => disk.Work is not null || disk.Wipe is { State: DiskWipe.Running })
            .Select(disk => $"{disk.Name} {disk.Work ?? "is to be wiped"}").Take(MostNamed).ToList();
        return "it waits for what else is done to disks here" + (others.Count > 0 ? $" ({string.Join(", ", others)})" : "")
            + (since > WaitTold / 2 ? $", since {since.TotalSeconds:0} s" : "");
    }

    private static async Task<DiskState?> LookAsync(DiskVerdict disk, DiskPolicy policy, CancellationToken cancellationToken)
    {
        var facts = disk.Evidence.Facts with { Partitions = [] };
        var look = await DiskLook.TakeAsync(facts.Path, facts, cancellationToken).ConfigureAwait(false);
        return DiskClassifier.Classify([look], policy) is [var now] ? DiskStates.Of(now, []) : null;
    }

    private void Tell(WipeOrder order, string name, string state, string text, DiskState? looked = null) =>
        board.Tell(name, new DiskWipe { Order = order.Id.ToString(), State = state, Text = text }, looked);

    private Message Locate(LocateDisk request)
    {
        if (request.Seconds is < 1 or > LongestLight)
            return new Fault { Code = FaultCode.BadRequest, Text = $"a time of 1 to {LongestLight} s is expected" };
        if ((board.Disks ?? []).Where(disk => disk.Identity == request.Disk).ToList() is not [var found])
            return new Fault { Code = FaultCode.NotFound, Text = $"there is no disk {PrintableText.Line(request.Disk)} here, or several" };
        foreach (var over in lights.Where(entry => entry.Value.IsCompleted)) lights.TryRemove(over);
        if (lights.Count >= MostLights) return new Fault { Code = FaultCode.Busy, Text = $"{MostLights} disks blink already" };
        var path = settings.Disks.FirstOrDefault(image => Path.GetFileName(image) == found.Name) ?? DiskFacts.PathOf(found.Name);
        var light = DiskLight.Of(found.Name, path);
        lights[Guid.NewGuid()] = BlinkAsync(found.Name, light, TimeSpan.FromSeconds(request.Seconds));
        return new Done { Text = $"for {request.Seconds} s: {light.Words}" };
    }

    private async Task BlinkAsync(string name, DiskLight light, TimeSpan length)
    {
        try { await light.BlinkAsync(length, ending.Token).ConfigureAwait(false); }
        catch (OperationCanceledException) { }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { logger.DiskNotLocated(name, e.Message); }
    }

    /// <summary>Tells at most once in a second how far it is, and at once: what is told late would be told after the end.</summary>
    private sealed class Progress(TimeProvider time, Action<string> tell) : IProgress<long>
    {
        private long last;

        public void Report(long value)
        {
            if (last != 0 && time.GetElapsedTime(last) < ProgressPause) return;
            last = time.GetTimestamp();
            tell($"{value >> 20} MiB are erased");
        }
    }
}

using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
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
    private const int MostWaiting = 16, MostLights = 8, LongestLight = 600, LongestText = 400;
    private static readonly TimeSpan ClockError = TimeSpan.FromSeconds(30), ProgressPause = TimeSpan.FromSeconds(1);

    private readonly Channel<(WipeOrder Order, string Name)> orders = Channel.CreateBounded<(WipeOrder, string)>(MostWaiting);
    private readonly Lock takenLock = new();
    private readonly Dictionary<Guid, DateTimeOffset> taken = [];
    private readonly ConcurrentDictionary<Guid, Task> lights = [];
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
        try
        {
            await foreach (var (order, name) in orders.Reader.ReadAllAsync(stoppingToken).ConfigureAwait(false))
                await WipeAsync(order, name, stoppingToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(lights.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
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
            foreach (var old in taken.Where(entry => entry.Value < now - ClockError).Select(entry => entry.Key).ToList()) taken.Remove(old);
            if (!taken.TryAdd(order.Id, order.Expires)) return Refuse(FaultCode.Conflict, "the order was given before: it counts once");
        }
        // Told first: it may be over at once.
        Tell(order, found.Name, DiskWipe.Running, "it waits for what else is done to disks here");
        if (!orders.Writer.TryWrite((order, found.Name)))
        {
            Tell(order, found.Name, DiskWipe.Failed, $"{MostWaiting} others waited already");
            return Refuse(FaultCode.Busy, $"{MostWaiting} wipes wait already");
        }
        return new Done { Text = "the wipe has begun" };
    }

    private Fault Refuse(string code, string text, string? hint = null)
    {
        logger.OrderRefused(text);
        return new Fault { Code = code, Text = $"nothing is wiped: {text}", Hint = hint };
    }

    private async Task WipeAsync(WipeOrder order, string name, CancellationToken cancellationToken)
    {
        try
        {
            using var turn = await board.TakeTurnAsync(cancellationToken).ConfigureAwait(false);
            var policy = settings.DiskPolicy(order.Machine);
            var disks = await MachineDisks.LookAsync(policy, settings.Disks, cancellationToken).ConfigureAwait(false);
            var disk = disks.Where(disk => DiskIdentity.Of(disk.Evidence.Facts, disk.Record) == order.Disk).ToList() is [var one]
                && one.Evidence.Facts.Name == name ? one
                : throw new StorageException($"{name} is no longer the disk {order.Disk}, or not the only one");
            logger.DiskWork($"{name} is wiped by order {order.Id}");
            Tell(order, name, DiskWipe.Running, "it has begun");
            var progress = new Progress(time, text => Tell(order, name, DiskWipe.Running, text));
            await new DiskWiper(policy, Path.Combine(settings.StateFolder, "used-orders"), time)
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

using System.Globalization;
using Microsoft.Extensions.Logging;
using Operos.Ceph.Osds;
using Operos.Linux;
using Operos.Linux.Supervision;
using Operos.Proto;
using Operos.Storage.Work;
using Operos.Worker.Disks;

namespace Operos.Worker.Osds;

/// <summary>What all OSDs of a machine work with.</summary>
/// <param name="GrantOf">Asks the controller for number and key.</param>
/// <param name="PlaceOf">Where OSDs of this machine are at present.</param>
internal sealed record OsdTools(DaemonHost Host, OsdPaths Paths, Func<OsdTarget, CancellationToken, Task<OsdGrantedKey>> GrantOf,
    Func<OsdPlace> PlaceOf, TimeProvider Time, ILogger Logger)
{
    /// <summary>Taken while one is made, by two at a time: it takes some 200 MB. Who only starts one does not wait for it.</summary>
    public SemaphoreSlim Making { get; } = new(2);

    /// <summary>Taken for a question to the controller, by four at a time: it may be slow, and heartbeats go the same way.</summary>
    public SemaphoreSlim Asking { get; } = new(4);

    /// <summary>How long one may be made. It takes seconds; one that hangs keeps others from their turn.</summary>
    public TimeSpan LongestMaking { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>
/// One OSD: looks at its partition before each start, makes what is to be made, starts it, and starts it again when it ends, ever later.
/// It is a unit of its own, which lives on when this agent ends.
/// </summary>
internal sealed class OsdDaemon(OsdTarget target, OsdTools tools)
{
    private const int LongestText = 300;
    /// <summary>One that has run for so long is looked at less often.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromMinutes(1);
    private readonly OsdFiles files = new(tools.Paths);
    /// <summary>Of what is tried on the disk, and of what waits for the controller, or for somebody who looks at the disk.</summary>
    private readonly CrashLoop crashes = CrashLoop.OfDaemon(tools.Time), waits = CrashLoop.OfWaiting(tools.Time);
    /// <summary>Of the number that was given last.</summary>
    private IDaemonProcess? process;
    private int processId = -1;
    private string logged = "";
    /// <summary>Whether what is tried now came to the disk: it does not wait for anybody any more.</summary>
    private bool begun;
    private volatile OsdState state = new()
        { Id = -1, Partition = $"{target.Id}", Disk = $"{target.DiskId}", Text = "is looked at" };

    public OsdTarget Target => target;

    /// <summary>How it stands.</summary>
    public OsdState State => state;

    /// <summary>Runs it until cancelled; the daemon goes on then.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var (why, rest) = await TryAsync(cancellationToken).ConfigureAwait(false);
                Tell(state.Id, false, $"{why}; it is tried again after {rest.TotalSeconds:0} s");
                if (state.Text != logged) tools.Logger.OsdStands(target.Partition.Path, logged = state.Text);
                await Task.Delay(rest, tools.Time, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested) { }
        finally
        {
            if (process is not null) await process.LeaveAsync().ConfigureAwait(false);
        }
    }

    /// <returns>Why it does not run, in words, and after how long it is tried again.</returns>
    private async Task<(string Why, TimeSpan Pause)> TryAsync(CancellationToken cancellationToken)
    {
        begun = false;
        string why;
        try
        {
            var (daemon, running) = await BringUpAsync(cancellationToken).ConfigureAwait(false);
            crashes.Started();
            var began = tools.Time.GetTimestamp();
            var end = daemon.EndAsync(running, () => tools.Time.GetElapsedTime(began) > Settled, cancellationToken);
            why = await end.ConfigureAwait(false) ?? "ended";
        }
        // Whatever it is, it ends no agent, and is told.
        catch (Exception e) when (!cancellationToken.IsCancellationRequested) { why = e.Message; }
        if (!begun) return (why, waits.Ended());
        var rest = crashes.Ended();
        return (crashes.Ends > 1 ? $"{why} ({crashes.Ends} times, and never lived for long)" : why, rest);
    }

    private async Task<(IDaemonProcess Daemon, int Process)> BringUpAsync(CancellationToken cancellationToken)
    {
        var place = tools.PlaceOf();
        // No other disk gets its name while programs work on it by that.
        using var held = await HeldDisk.OpenAsync(target.Disk, target.Partition, cancellationToken).ConfigureAwait(false);
        var found = await OsdLook.TakeAsync(target.Partition, cancellationToken).ConfigureAwait(false);
        Demand(OsdVerdict.Of(found, place.Map.Fsid, null));
        if (await FindRunningAsync(found, place, cancellationToken).ConfigureAwait(false) is { } already) return already;

        var grant = await AskAsync(cancellationToken).ConfigureAwait(false);
        var verdict = Demand(OsdVerdict.Of(found, place.Map.Fsid, grant.Id));
        waits.Forget();
        begun = true;
        // An agent before this one may have begun, and ended.
        await AwaitMakingAsync(grant.Id, cancellationToken).ConfigureAwait(false);
        if (verdict.Work == OsdWork.Make) await MakeAsync(grant, place, verdict.Text, cancellationToken).ConfigureAwait(false);
        Tell(grant.Id, false, "is started");
        await files.WriteAsync(target, grant, place, cancellationToken).ConfigureAwait(false);
        var daemon = Use(grant.Id, place);
        var started = await daemon.StartAsync(cancellationToken).ConfigureAwait(false);
        tools.Logger.OsdRuns(grant.Id, target.Partition.Path);
        TellRuns(grant.Id, place);
        return (daemon, started);
    }

    /// <summary>Ends the daemon and whatever works for it, and removes what it read.</summary>
    /// <exception cref="IOException">It does not end.</exception>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // The number may be another's by now.
        if (state.Id < 0 || !files.IsOf(state.Id, target)) return;
        await StopAsync(tools, state.Id, processId == state.Id ? process : null, cancellationToken).ConfigureAwait(false);
        Tell(state.Id, false, "is stopped");
    }

    /// <summary>The same of one that an agent before this one left.</summary>
    public static async Task StopAsync(OsdTools tools, int id, IDaemonProcess? known, CancellationToken cancellationToken)
    {
        await tools.Host.Of(Making(tools.Paths, id, [])).StopAsync(cancellationToken).ConfigureAwait(false);
        await (known ?? tools.Host.Of(Daemon(tools.Paths, id, []))).StopAsync(cancellationToken).ConfigureAwait(false);
        await new OsdFiles(tools.Paths).RemoveAsync(id, cancellationToken).ConfigureAwait(false);
        tools.Logger.OsdStopped(id);
    }

    /// <summary>The daemon where it runs already: of this OSD, on this device, since this boot.</summary>
    private async Task<(IDaemonProcess, int)?> FindRunningAsync(OsdPartition found, OsdPlace place, CancellationToken cancellationToken)
    {
        if (!int.TryParse(found.Label?.Id, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            || !files.IsOf(id, target)) return null;
        var daemon = Use(id, place);
        if (await daemon.FindAsync(cancellationToken).ConfigureAwait(false) is not { } running) return null;
        begun = true;
        TellRuns(id, place);
        return (daemon, running);
    }

    private async Task MakeAsync(OsdGrantedKey grant, OsdPlace place, string why, CancellationToken cancellationToken)
    {
        Tell(grant.Id, false, $"waits until it is made: {why}");
        using var turn = await Turn.TakeAsync(tools.Making, cancellationToken).ConfigureAwait(false);
        Tell(grant.Id, false, $"is made: {why}");
        // It waited, and nothing is made but on what was just looked at.
        var found = await OsdLook.TakeAsync(target.Partition, cancellationToken).ConfigureAwait(false);
        if (Demand(OsdVerdict.Of(found, place.Map.Fsid, grant.Id)).Work != OsdWork.Make) return;
        await files.WriteAsync(target, grant, place, cancellationToken).ConfigureAwait(false);
        var making = tools.Host.Of(Making(tools.Paths, grant.Id, files.Making(grant.Id, target.Id)));
        string? said;
        try
        {
            var running = await making.StartAsync(cancellationToken).ConfigureAwait(false);
            said = await EndInTimeAsync(making, running, cancellationToken).ConfigureAwait(false);
        }
        // It may have ended before anybody saw it run.
        catch (IOException e) { said = e.Message; }
        finally { await making.LeaveAsync().ConfigureAwait(false); }
        // What counts is what stands there now.
        var made = await OsdLook.TakeAsync(target.Partition, cancellationToken).ConfigureAwait(false);
        if (OsdVerdict.Of(made, place.Map.Fsid, grant.Id).Work != OsdWork.Start)
            throw new StorageException($"it could not be made: {said}");
        tools.Logger.OsdMade(grant.Id, target.Partition.Path);
    }

    private async Task AwaitMakingAsync(int id, CancellationToken cancellationToken)
    {
        var making = tools.Host.Of(Making(tools.Paths, id, []));
        if (await making.FindAsync(cancellationToken).ConfigureAwait(false) is not { } running) return;
        await EndInTimeAsync(making, running, cancellationToken).ConfigureAwait(false);
        throw new StorageException("its making, which an agent before this one began, is over");
    }

    /// <returns>Why it ended.</returns>
    private async Task<string?> EndInTimeAsync(IDaemonProcess making, int running, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(tools.LongestMaking);
        try { return await making.EndAsync(running, () => false, deadline.Token).ConfigureAwait(false); }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await making.StopAsync(cancellationToken).ConfigureAwait(false);
            return $"it was not done after {tools.LongestMaking.TotalSeconds:0} s, and was ended";
        }
    }

    private async Task<OsdGrantedKey> AskAsync(CancellationToken cancellationToken)
    {
        using var turn = await Turn.TakeAsync(tools.Asking, cancellationToken).ConfigureAwait(false);
        return await tools.GrantOf(target, cancellationToken).ConfigureAwait(false);
    }

    private static OsdVerdict Demand(OsdVerdict verdict) => verdict.Work != OsdWork.Leave ? verdict
        : throw new StorageException($"it is left alone: {verdict.Text}");

    private IDaemonProcess Use(int id, OsdPlace place)
    {
        if (process is not null && processId == id) return process;
        processId = id;
        return process = tools.Host.Of(Daemon(tools.Paths, id, files.Arguments(id, place.Memory)));
    }

    private static Daemon Daemon(OsdPaths paths, int id, IReadOnlyList<string> arguments) =>
        Describe(paths, $"osd.{OsdPaths.Number(id)}", OsdPaths.Unit(id), arguments);

    private static Daemon Making(OsdPaths paths, int id, IReadOnlyList<string> arguments) =>
        Describe(paths, $"mkfs of osd.{OsdPaths.Number(id)}", OsdPaths.MakingUnit(id), arguments);

    /// <summary>In the foreground: one that forks lives on when it is to end, and keeps the device.</summary>
    private static Daemon Describe(OsdPaths paths, string name, string unit, IReadOnlyList<string> arguments) => new()
    {
        Name = name, Unit = unit, Package = "ceph-osd", Program = paths.Program, Arguments = ["-f", .. arguments],
        PrepareAsync = (_, _) => Task.FromResult(DaemonChange.None),
    };

    private void TellRuns(int id, OsdPlace place) =>
        Tell(id, true, place.Memory.Words is { Length: > 0 } words ? $"runs, {words}" : "runs");

    private void Tell(int id, bool runs, string text) =>
        state = state with { Id = id, IsRunning = runs, Text = PrintableText.Line(text, LongestText) ?? "" };
}

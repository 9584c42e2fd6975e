using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Controller.Cluster;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;

namespace Operos.Controller.Storage;

/// <summary>
/// Volumes of a machine that is lost go on elsewhere, and never have two writers. The machine is shut out of Ceph first; when every OSD
/// that is up has heard of that, its volumes are nobody's, and its pods that used them are deleted, so that others begin. It may be cut
/// off and write on: nothing of it counts any more. Each step is written down before it is taken, and is taken again until it is done.
/// </summary>
/// <remarks>
/// A controller that is cut off itself must give up nobody: nothing is begun while fewer than half of the machines, or of the OSDs, answer.
/// </remarks>
internal sealed class VolumeFailover(CephMonitor ceph, ApiClient client, PoolVolumes volumes, VolumeBook book, MachineRegistry machines,
    Sessions sessions, TimeProvider time, ILogger logger)
{
    private const string Worker = "worker";
    private static readonly TimeSpan Check = TimeSpan.FromSeconds(2), OldFacts = TimeSpan.FromSeconds(60),
        RebootPatience = TimeSpan.FromMinutes(2);

    /// <summary>When each machine with volumes was alive last; of one that this agent never heard of, when it first looked.</summary>
    private readonly Dictionary<string, DateTimeOffset> heard = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> rebooted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> told = new(StringComparer.Ordinal);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await PassAsync(cancellationToken).ConfigureAwait(false);
            await Task.Delay(Check, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Looks at all machines with volumes once, and does what is to be done.</summary>
    internal async Task PassAsync(CancellationToken cancellationToken)
    {
        foreach (var fence in book.Fences)
            await TryAsync(fence.Machine, () => KeepAsync(fence, cancellationToken), cancellationToken).ConfigureAwait(false);
        var (now, holders) = (time.GetUtcNow(), book.All.GroupBy(one => one.Machine, StringComparer.Ordinal).ToList());
        foreach (var gone in heard.Keys.Except(holders.Select(holder => holder.Key)).ToList()) heard.Remove(gone);
        foreach (var holder in holders)
        {
            var machine = holder.Key;
            if (!heard.TryGetValue(machine, out var last)) last = now;
            if (sessions.Get(machine)?.LastSign is { } sign && sign > last) last = sign;
            heard[machine] = last;
            if (now - last <= Sessions.LongestSilence || book.Fences.Any(fence => fence.Machine == machine)) continue;
            await TryAsync(machine, () => BeginAsync(machine, [.. holder], now - last, cancellationToken), cancellationToken)
                .ConfigureAwait(false);
        }
    }

    /// <summary>What fails is tried in the next pass, and told once.</summary>
    private async Task TryAsync(string machine, Func<Task<string?>> act, CancellationToken cancellationToken)
    {
        string? why;
        try { why = await act().ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or ApiException && !cancellationToken.IsCancellationRequested) { why = e.Message; }
        if (why is null) told.Remove(machine);
        else if (told.GetValueOrDefault(machine) != why)
        {
            told[machine] = why;
            logger.FailoverWaits(Name(machine), why);
        }
    }

    /// <returns>What it waits for; null where it is begun.</returns>
    private async Task<string?> BeginAsync(string machine, IReadOnlyList<StagedVolume> had, TimeSpan silence,
        CancellationToken cancellationToken)
    {
        if (WhyNobody() is { } reason) return reason;
        var node = await client.FindAsync(Resources.Nodes, null, machine, cancellationToken).ConfigureAwait(false);
        if (node is not null && NodeReconciler.ReadyCondition(node)?.Status == "True")
            return "its agent is silent, and its kubelet still answers the API server";
        book.Keep(new Fence
        {
            Machine = machine, BootId = had[0].BootId, Since = time.GetUtcNow(),
            Addresses = [.. had.SelectMany(one => one.Addresses).Distinct(StringComparer.Ordinal)],
            Volumes = [.. had.Select(one => one.Volume)],
        });
        logger.MachineGivenUp(Name(machine), silence.TotalSeconds, had.Count);
        machines.Mention(machine, $"is given up after {silence.TotalSeconds:0} s of silence: {Counted(had.Count)} to others");
        return null;
    }

    /// <summary>Why nobody is given up now; null where that may be.</summary>
    private string? WhyNobody()
    {
        var now = time.GetUtcNow();
        var all = machines.All.Where(one => one is { Kind: Worker, Standing: MachineStanding.Admitted }).ToList();
        var up = all.Count(one => sessions.Get(one.Id)?.IsUp(now) == true);
        if (up * 2 < all.Count)
            return $"only {up} of {all.Count} machines answer: it may be this controller that is cut off, and nobody is given up";
        if (ceph.Facts is not { } facts || now - facts.At > OldFacts) return "Ceph's monitor does not answer: nobody is given up";
        var osds = facts.Osds.Count(osd => osd.IsUp);
        return osds * 2 < facts.Osds.Count
            ? $"only {osds} of {facts.Osds.Count} OSDs are up: it may be this controller that is cut off, and nobody is given up" : null;
    }

    /// <returns>What it waits for; null where all is done for now.</returns>
    private async Task<string?> KeepAsync(Fence fence, CancellationToken cancellationToken)
    {
        if (machines.Get(fence.Machine) is { BootId: { } boot } && boot != fence.BootId)
        {
            await ceph.LetBackAsync(fence.Addresses, cancellationToken).ConfigureAwait(false);
            book.End(fence);
            logger.MachineLetBack(Name(fence.Machine));
            return null;
        }
        if (!fence.InForce)
        {
            if (fence.Epoch == 0)
            {
                var epoch = await ceph.ShutOutAsync(Guid.Parse(fence.Machine), fence.Addresses, cancellationToken).ConfigureAwait(false);
                book.Keep(fence = fence with { Epoch = epoch });
            }
            if (await ceph.WhyNotInForceAsync(fence.Epoch, cancellationToken).ConfigureAwait(false) is { } why) return why;
            book.Keep(fence = fence with { InForce = true });
            logger.MachineShutOut(Name(fence.Machine), fence.Epoch);
            machines.Mention(fence.Machine, "can write to none of its volumes any more: every OSD has heard of it");
        }
        await EndPodsAsync(fence, cancellationToken).ConfigureAwait(false);
        await RebootAsync(fence, cancellationToken).ConfigureAwait(false);
        return null;
    }

    /// <summary>Deletes the pods that used its volumes. Whatever of them runs on writes nowhere.</summary>
    private async Task EndPodsAsync(Fence fence, CancellationToken cancellationToken)
    {
        var claims = volumes.All.Where(volume => fence.Volumes.Contains(volume.Name) && volume.Claim.Name is not null)
            .Select(volume => volume.ClaimName).ToHashSet(StringComparer.Ordinal);
        if (claims.Count == 0) return;
        var pods = await client.ListAsync(Resources.Pods, cancellationToken, fields: $"spec.nodeName={fence.Machine}")
            .ConfigureAwait(false);
        foreach (var pod in pods)
        {
            if (pod is not { Metadata: { Namespace: { } space, Name: { } name, Uid: { } uid }, Spec: { } spec }
                || !spec.Volumes.Present().Any(volume => claims.Contains($"{space}/{volume.PersistentVolumeClaim?.ClaimName}"))) continue;
            if (await client.DeleteAtOnceAsync(Resources.Pods.Path(space, name), uid, cancellationToken).ConfigureAwait(false))
                logger.PodEnded($"{space}/{name}", Name(fence.Machine));
        }
    }

    /// <summary>One that is back in the same boot has mounts that answer nothing any more: only another boot makes it whole.</summary>
    private async Task RebootAsync(Fence fence, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (sessions.Get(fence.Machine)?.IsUp(now) != true || now - rebooted.GetValueOrDefault(fence.Machine) < RebootPatience) return;
        rebooted[fence.Machine] = now;
        try
        {
            await sessions.RebootAsync(fence.Machine, "it was given up while it was silent, and its volumes are others' now",
                cancellationToken).ConfigureAwait(false);
            machines.Mention(fence.Machine, "is back in the boot in which it was given up, and is rebooted");
        }
        catch (Exception e) when (e is RefusedException or TimeoutException or IOException)
        {
            throw new IOException($"it is back, and does not reboot: {e.Message}", e);
        }
    }

    private string Name(string machine) => machines.Get(machine)?.Name ?? machine;

    private static string Counted(int volumes) => volumes == 1 ? "its volume goes" : $"its {volumes} volumes go";
}

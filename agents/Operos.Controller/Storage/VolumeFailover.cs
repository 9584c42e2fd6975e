using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Ceph.Pools;
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
/// A controller that is cut off itself must give up nobody: nothing is begun while fewer than half of the machines, or of the OSDs, answer,
/// nor when they have just begun to answer again: the others may only be slower to come back.
/// </remarks>
internal sealed class VolumeFailover(CephMonitor ceph, PoolImages images, ApiClient client, PoolVolumes volumes, VolumeBook book,
    MachineRegistry machines, Sessions sessions, TimeProvider time, ILogger logger)
{
    private const string Worker = "worker";
    private static readonly TimeSpan Check = TimeSpan.FromSeconds(2), OldFacts = TimeSpan.FromSeconds(60),
        RebootPatience = TimeSpan.FromMinutes(2), KeptOut = TimeSpan.FromMinutes(5);

    /// <summary>When each machine with volumes was alive last; of one that this agent never heard of, when it first looked.</summary>
    private readonly Dictionary<string, DateTimeOffset> heard = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> rebooted = new(StringComparer.Ordinal), kept = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> told = new(StringComparer.Ordinal);
    /// <summary>When it looked last, and when so few machines answered last that nobody's silence means anything.</summary>
    private DateTimeOffset lookedAt, aloneAt;

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
        Look();
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
            if (book.Fences.Any(fence => fence.Machine == machine)) continue;
            if (now - last <= Sessions.LongestSilence)
            {
                told.Remove(machine);
                continue;
            }
            await TryAsync(machine, () => BeginAsync(machine, holder.First().BootId, last, cancellationToken), cancellationToken)
                .ConfigureAwait(false);
        }
    }

    /// <summary>What was while it did not look, nobody knows.</summary>
    private void Look()
    {
        var (now, (up, all)) = (time.GetUtcNow(), Answering());
        if (up * 2 < all || now - lookedAt > Sessions.LongestSilence) aloneAt = now;
        lookedAt = now;
    }

    /// <returns>How many workers answer, of how many.</returns>
    private (int Up, int All) Answering()
    {
        var now = time.GetUtcNow();
        var all = machines.All.Where(one => one is { Kind: Worker, Standing: MachineStanding.Admitted }).ToList();
        return (all.Count(one => sessions.Get(one.Id)?.IsUp(now) == true), all.Count);
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
        Look();
    }

    /// <returns>What it waits for; null where it is begun, or need not be.</returns>
    private async Task<string?> BeginAsync(string machine, string boot, DateTimeOffset last, CancellationToken cancellationToken)
    {
        if (WhyNotNow(machine) is { } reason) return reason;
        var node = await client.FindAsync(Resources.Nodes, null, machine, cancellationToken).ConfigureAwait(false);
        if (node is not null && NodeReconciler.ReadyCondition(node)?.Status == "True")
            return "its agent is silent, and its kubelet still answers the API server";
        // The API server may have taken its time.
        var now = time.GetUtcNow();
        if (sessions.Get(machine)?.LastSign > last || book.GiveUp(machine, boot, now) is not { } fence) return null;
        var (silence, count) = ((now - last).TotalSeconds, fence.Volumes.Count);
        logger.MachineGivenUp(Name(machine), silence, count);
        machines.Mention(machine, $"is given up after {silence:0} s of silence: {Counted(count)} to others");
        return null;
    }

    /// <summary>
    /// Why it is not given up now; null where it may be. Its own OSDs are silent with it, however many of all they are: those of others
    /// tell whether it is this controller that is cut off.
    /// </summary>
    private string? WhyNotNow(string machine)
    {
        var (now, (up, all)) = (time.GetUtcNow(), Answering());
        if (up * 2 < all)
            return $"only {up} of {all} machines answer: it may be this controller that is cut off, and nobody is given up";
        if (now - aloneAt <= Sessions.LongestSilence)
            return "most machines answer only since a moment ago: the others are given the time to come back";
        if (ceph.Facts is not { } facts || now - facts.At > OldFacts) return "Ceph's monitor does not answer: nobody is given up";
        var others = facts.Osds.Where(osd => osd.Host != machine).ToList();
        var osds = others.Count(osd => osd.IsUp);
        return osds == 0 || osds * 2 < others.Count
            ? $"only {osds} of {others.Count} OSDs of other machines are up: it may be this controller that is cut off" : null;
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
            if (await FindUntoldAsync(fence, cancellationToken).ConfigureAwait(false) is { Count: > 0 } untold)
            {
                book.Keep(fence with { Addresses = [.. fence.Addresses, .. untold], Epoch = 0 });
                return $"it has clients of Ceph that it did not tell, which are shut out, too: {string.Join(", ", untold)}";
            }
            book.Keep(fence = fence with { InForce = true });
            logger.MachineShutOut(Name(fence.Machine), fence.Epoch);
            machines.Mention(fence.Machine, "can write to none of its volumes any more: every OSD has heard of it");
        }
        await KeepOutAsync(fence, cancellationToken).ConfigureAwait(false);
        await EndPodsAsync(fence, cancellationToken).ConfigureAwait(false);
        await RebootAsync(fence, cancellationToken).ConfigureAwait(false);
        return null;
    }

    /// <summary>
    /// Clients whose addresses it did not tell, or after it was given up: nobody else has its images, so whoever has one open is of it. It
    /// opens no more of them: its user is gone.
    /// </summary>
    private async Task<IReadOnlyList<string>> FindUntoldAsync(Fence fence, CancellationToken cancellationToken)
    {
        var found = book.All.Where(one => one.Machine == fence.Machine && one.BootId == fence.BootId).SelectMany(one => one.Addresses)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var name in fence.Images)
            if (await images.FindAsync(name, cancellationToken).ConfigureAwait(false) is { } image) found.UnionWith(image.Clients);
        found.ExceptWith(fence.Addresses);
        return [.. found.Order(StringComparer.Ordinal)];
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
                || !spec.Volumes.Present().Any(volume => claims.Contains($"{space}/{volume.ClaimOf(name)}"))) continue;
            if (await client.DeleteAtOnceAsync(Resources.Pods.Path(space, name), uid, cancellationToken).ConfigureAwait(false))
                logger.PodEnded($"{space}/{name}", Name(fence.Machine));
        }
    }

    /// <summary>Others that take its images' locks shorten what is to last.</summary>
    private async Task KeepOutAsync(Fence fence, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (now - kept.GetValueOrDefault(fence.Machine) < KeptOut) return;
        await ceph.KeepOutAsync(fence.Addresses, cancellationToken).ConfigureAwait(false);
        kept[fence.Machine] = now;
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

using System.Net;
using Operos.Policy.Cluster;
using Operos.Policy.Compiling;
using Operos.Policy.Nftables;
using Operos.Policy.Policies;

namespace Operos.Policy;

/// <summary>
/// Keeps a node's rules in force while the cluster changes. Changes that come while a transaction runs are taken together into
/// the next one. Nothing known of the cluster is enforced before <see cref="Begin"/>: half of the policies would open what the other half
/// closes.
/// </summary>
public sealed class PolicyEnforcer(NodeView node, RulesetApplier applier, PolicyLimits? limits = null, TimeProvider? time = null)
    : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200), LongestPause = TimeSpan.FromSeconds(30),
        LookAgain = TimeSpan.FromSeconds(45);
    private readonly TimeProvider time = time ?? TimeProvider.System;
    private readonly Lock viewLock = new();
    private readonly SemaphoreSlim changed = new(0, 1);
    private readonly ClusterView view = new(limits);
    private readonly List<Admission> waiting = [];
    private NodeView node = node;
    private bool begun;
    private Ruleset? wanted;

    /// <summary>Somebody who waits until a pod's addresses are in force.</summary>
    private sealed record Admission(IReadOnlyList<string> Addresses, TaskCompletionSource Done);

    /// <summary>What is in force, and what was wrong last; replaced as a whole.</summary>
    public EnforcerState State { get; private set; } = new();

    /// <summary>Changes what is known of the cluster.</summary>
    public void Change(Action<ClusterView> change)
    {
        lock (viewLock) change(view);
        Wake();
    }

    /// <summary>The node's networks became known or changed.</summary>
    public void SetNode(NodeView next)
    {
        lock (viewLock) node = next;
        Wake();
    }

    /// <summary>Pods, namespaces and policies are known completely, as after the first lists.</summary>
    public void Begin()
    {
        lock (viewLock) begun = true;
        Wake();
    }

    /// <summary>
    /// The pod network gave a pod its addresses. Ends when that pod's policies are in force; until then its addresses are cut off, and so
    /// they stay if the caller gives up.
    /// </summary>
    public async Task AdmitAsync(ObjectKey pod, string? uid, IReadOnlyList<IPAddress> addresses, CancellationToken cancellationToken)
    {
        var admission = new Admission([.. addresses.Select(address => Policy.Addresses.PodAddress.Of(address).ToString())],
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (viewLock)
        {
            view.Assign(pod, uid, addresses);
            waiting.Add(admission);
        }
        Wake();
        try { await admission.Done.Task.WaitAsync(cancellationToken).ConfigureAwait(false); }
        finally { lock (viewLock) waiting.Remove(admission); }
    }

    /// <summary>The pod network took the pod's addresses back: they are cut off.</summary>
    public void Release(ObjectKey pod, string? uid) => Change(known => known.Release(pod, uid));

    /// <summary>
    /// Runs until cancelled. Where no earlier process left a table, the node's pod networks are closed at once; a table that was left
    /// stays in force until there is better. What somebody else took away of either is back within a minute.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var (isNew, pause) = (true, FirstPause);
        long? looked = null;
        while (true)
        {
            try
            {
                // Also in a cluster that is never still: most of what changes there changes no rule of this node, and so would never meet
                // what somebody took away.
                if (looked is null || time.GetElapsedTime(looked.Value) >= LookAgain)
                {
                    await LookAsync(cancellationToken).ConfigureAwait(false);
                    looked = time.GetTimestamp();
                }
                if (begun) await EnforceAsync(isNew, cancellationToken).ConfigureAwait(false);
                pause = FirstPause;
                var left = LookAgain - time.GetElapsedTime(looked.Value);
                isNew = await changed.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
            }
            catch (NftException e)
            {
                isNew = true;
                State = State with { Error = e.Message, ErrorSince = State.ErrorSince ?? time.GetUtcNow() };
                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    public void Dispose() => changed.Dispose();

    /// <summary>Somebody who flushes all of nftables tells nobody.</summary>
    private async Task LookAsync(CancellationToken cancellationToken)
    {
        if (!await applier.AdoptAsync(cancellationToken).ConfigureAwait(false) && !begun)
            await applier.ApplyAsync(PolicyCompiler.Compile(new ClusterView(limits), node), cancellationToken).ConfigureAwait(false);
    }

    /// <param name="isNew">Whether the cluster may have changed; else what was compiled last is looked after.</param>
    private async Task EnforceAsync(bool isNew, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        if (isNew || wanted is null)
        {
            lock (viewLock) wanted = PolicyCompiler.Compile(view, node);
            State = State with { Compilations = State.Compilations + 1, Compile = time.GetElapsedTime(began) };
        }
        var next = wanted;
        var applied = await applier.ApplyAsync(next, cancellationToken).ConfigureAwait(false);
        State = State with { InForceSince = time.GetUtcNow(), Size = next.Size, Problems = next.Problems, Apply = applied.Elapsed,
            Error = null, ErrorSince = null };
        var open = next.PodAddresses.ToHashSet(StringComparer.Ordinal);
        lock (viewLock)
            foreach (var admission in waiting.Where(admission => admission.Addresses.All(open.Contains))) admission.Done.TrySetResult();
    }

    private void Wake()
    {
        // One waiting signal is enough: the next run takes all there is.
        try { changed.Release(); }
        catch (SemaphoreFullException) { }
    }
}

using System.Globalization;
using Operos.Linux;
using Operos.Storage.Classes;
using Operos.Storage.Looks;
using Operos.Storage.Records;
using Operos.Storage.Work;

namespace Operos.Storage.Wipes;

/// <summary>Wipes a disk by an order, and looks at it again: what is not blank then is told.</summary>
/// <param name="usedOrders">
/// A folder that keeps which orders were used: each counts once. It need not survive a reboot, after which what was wiped looks otherwise.
/// </param>
public sealed class DiskWiper(DiskPolicy policy, string usedOrders, TimeProvider time)
{
    /// <summary>
    /// When the order was taken, which then waited for its turn: until then its time counts, and from then on what was seen on the disk.
    /// Null for now.
    /// </summary>
    public DateTimeOffset? Taken { get; init; }

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Carries out an order whose signature was verified.</summary>
    /// <param name="disk">A look at the disk that it names; the disk is looked at again before anything is written.</param>
    /// <param name="progress">Is told the bytes that were erased so far.</param>
    /// <exception cref="StorageException">It is refused, or fails; one that was cut is completed by
    /// <see cref="CompleteAsync"/>.</exception>
    public async Task WipeAsync(DiskVerdict disk, WipeOrder order, IProgress<long> progress, CancellationToken cancellationToken)
    {
        var purpose = $"{disk.Evidence.Facts.Name} is not wiped";
        if (Refusal(disk, order) is { } refusal) throw new StorageException($"{purpose}: {refusal}");
        using (var gate = await DiskGate.OpenAsync(disk, policy, purpose, cancellationToken).ConfigureAwait(false))
        {
            Use(order, purpose);
            await EraseAsync(gate, purpose, Begin, progress, cancellationToken).ConfigureAwait(false);
        }
        await VerifyAsync(disk, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Completes a wipe that was cut: the disk's own record says so, and nothing came to it since.</summary>
    /// <param name="disk">One of ours whose work is <see cref="DiskWork.Wiping"/>.</param>
    /// <exception cref="StorageException">It is none, or it fails.</exception>
    public async Task CompleteAsync(DiskVerdict disk, IProgress<long> progress, CancellationToken cancellationToken)
    {
        var purpose = $"{disk.Evidence.Facts.Name} is not wiped";
        if (disk.Class != DiskClass.UnfinishedOurs || disk.Record?.Work != DiskWork.Wiping)
            throw new StorageException($"{purpose}: no wipe of it was cut: {string.Join("; ", disk.Reasons)}");
        using (var gate = await DiskGate.OpenAsync(disk, policy, purpose, cancellationToken).ConfigureAwait(false))
            await EraseAsync(gate, purpose, null, progress, cancellationToken).ConfigureAwait(false);
        await VerifyAsync(disk, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Why an order is not carried out, in words; null where it is.</summary>
    private string? Refusal(DiskVerdict disk, WipeOrder order)
    {
        if (order.Machine != policy.Machine) return "the order is for another machine";
        if ((Taken ?? time.GetUtcNow()) >= order.Expires)
            return string.Create(CultureInfo.InvariantCulture, $"the order expired at {order.Expires:yyyy-MM-dd HH:mm:ss}: order it again");
        if (order.Disk != DiskIdentity.Of(disk.Evidence.Facts, disk.Record)) return "the order is for another disk";
        if (File.Exists(PathOf(order))) return "the order was used already";
        if (disk.Class == DiskClass.InUse || disk.Evidence.Facts.Uses.Count > 0 || disk.Evidence.Facts.IsBootMedium)
            return $"it is in use: {string.Join("; ", disk.Reasons)}: exclude it, and order it again after the machine's next boot";
        if (disk.Class == DiskClass.Unsuitable) return $"no disk that Operos uses: {string.Join("; ", disk.Reasons)}";
        return order.Evidence != SeenEvidence.Of(disk) ? "what is on it is not what was seen when the order was given: look at it again"
            : null;
    }

    /// <summary>Each order counts once: who makes its file first has it.</summary>
    private void Use(WipeOrder order, string purpose)
    {
        Directory.CreateDirectory(usedOrders);
        try { File.Open(PathOf(order), FileMode.CreateNew).Dispose(); }
        catch (IOException e) { throw new StorageException($"{purpose}: the order was used already", e); }
    }

    private string PathOf(WipeOrder order) => Path.Combine(usedOrders, order.Id.ToString());

    /// <summary>The record that makes a wipe that is cut known at the next look.</summary>
    private DiskRecord Begin(DiskVerdict disk, long bytes)
    {
        var former = disk.Record;
        return new DiskRecord
        {
            Cluster = policy.Cluster, Disk = former?.Disk ?? Guid.NewGuid(), Machine = policy.Machine,
            Table = former?.Table ?? Guid.NewGuid(), Work = DiskWork.Wiping, Sequence = (former?.Sequence ?? 0) + 1, Bytes = bytes,
            Written = time.GetUtcNow(),
        };
    }

    private static async Task EraseAsync(DiskGate gate, string purpose, Func<DiskVerdict, long, DiskRecord>? begin,
        IProgress<long> progress, CancellationToken cancellationToken)
    {
        void Erase()
        {
            if (begin is not null) DiskRecordWriter.Overwrite(gate.Blocks, begin(gate.Verdict, gate.Blocks.Bytes));
            Erasure.Run(gate.Blocks, gate.Verdict.Evidence, progress, cancellationToken);
        }
        try
        {
            await Task.Factory.StartNew(Erase, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .ConfigureAwait(false);
        }
        catch (IOException e) { throw new StorageException($"{purpose}, not all of it: {e.Message}; the next boot tries again", e); }
    }

    /// <summary>Reads every place again.</summary>
    private async Task VerifyAsync(DiskVerdict disk, CancellationToken cancellationToken)
    {
        var facts = new DiskFactsReader().Find(disk.Evidence.Facts.Name) ?? disk.Evidence.Facts;
        // The kernel still knows those of a table that is gone; who looks at one of them is waited for.
        for (var start = time.GetTimestamp(); facts.Partitions.Count > 0 && time.GetElapsedTime(start) < Patience;)
        {
            foreach (var partition in facts.Partitions)
            {
                try { PartitionDevices.Remove(facts.Path, NumberOf(partition.Name)); }
                catch (LinuxException) { await Task.Delay(Pause, cancellationToken).ConfigureAwait(false); }
            }
            facts = new DiskFactsReader().Find(facts.Name) ?? facts with { Partitions = [] };
        }
        var evidence = await DiskLook.TakeAsync(facts.Path, facts, cancellationToken).ConfigureAwait(false);
        var verdict = DiskClassifier.Classify(evidence, policy);
        if (verdict.Class != DiskClass.Blank)
            throw new StorageException($"{facts.Name} was wiped, and is not blank: {string.Join("; ", verdict.Reasons)}");
    }

    /// <summary>The digits at a partition's name's end.</summary>
    private static int NumberOf(string name) => int.TryParse(name.AsSpan(name.AsSpan().LastIndexOfAnyExceptInRange('0', '9') + 1),
        NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}

using Operos.Linux;
using Operos.Storage.Classes;
using Operos.Storage.Looks;

namespace Operos.Storage.Work;

/// <summary>
/// A disk that is claimed for writing, and was looked at while it was: nobody else has it, and it is what it was when it was decided what
/// to do with it.
/// </summary>
internal sealed class DiskGate : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1), Pause = TimeSpan.FromMilliseconds(50);

    private readonly BlockDevice device;

    private DiskGate(BlockDevice device, DiskVerdict verdict)
    {
        this.device = device;
        (Verdict, Blocks) = (verdict, new DeviceBytes(device));
    }

    /// <summary>What it is now.</summary>
    public DiskVerdict Verdict { get; }
    public IDiskBlocks Blocks { get; }

    /// <summary>Claims a disk, and looks at it.</summary>
    /// <param name="seen">The look that led here.</param>
    /// <param name="purpose">What is refused otherwise, such as <c>sda is not wiped</c>.</param>
    /// <exception cref="StorageException">It is in use, or is not what it was.</exception>
    public static async Task<DiskGate> OpenAsync(DiskVerdict seen, DiskPolicy policy, string purpose, CancellationToken cancellationToken)
    {
        var facts = seen.Evidence.Facts;
        var device = await ClaimAsync(facts.Path, purpose, cancellationToken).ConfigureAwait(false);
        var look = LookAsync(device, facts, policy, cancellationToken);
        try
        {
            var verdict = await look.WaitAsync(DiskLook.Patience, cancellationToken).ConfigureAwait(false);
            // By itself: what shows only beside other disks is no change of this one.
            var before = DiskClassifier.Classify(seen.Evidence, policy);
            if (verdict.Class != before.Class)
                throw new StorageException($"{purpose}: it is not what it was: {string.Join("; ", verdict.Reasons)}");
            if (DiskTrace.Of(verdict) != DiskTrace.Of(before))
                throw new StorageException($"{purpose}: what is on it changed since it was looked at");
            return new DiskGate(device, verdict);
        }
        catch (Exception e)
        {
            device.DisposeAfter(look);
            if (e is not TimeoutException) throw;
            throw new StorageException($"{purpose}: it does not answer", e);
        }
    }

    /// <summary>Opens a device for writing that nobody else uses; who only reads its table anew is waited for.</summary>
    /// <exception cref="StorageException">It is in use, or cannot be opened.</exception>
    public static async Task<BlockDevice> ClaimAsync(string path, string purpose, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try { return BlockDevice.OpenForWriting(path); }
            catch (LinuxException e) when (e.Errno == Errno.EBUSY)
            {
                if (TimeProvider.System.GetElapsedTime(start) > Patience) throw new StorageException($"{purpose}: it is in use", e);
            }
            catch (IOException e) { throw new StorageException($"{purpose}: {e.Message}", e); }
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What a disk that is open is.</summary>
    private static Task<DiskVerdict> LookAsync(BlockDevice device, DiskFacts seen, DiskPolicy policy, CancellationToken cancellationToken)
    {
        // Another disk may have its name by now.
        var facts = (device.IsDevice ? new DiskFactsReader().Find(seen.Name) : null) ?? seen with { Bytes = device.Bytes };
        if (device.IsDevice) facts = facts with { LogicalSector = device.LogicalSector, PhysicalSector = device.PhysicalSector,
            IsReadOnly = facts.IsReadOnly || device.IsReadOnly };
        DiskVerdict Look() => DiskClassifier.Classify(DiskLook.Take(new DeviceBytes(device), facts, cancellationToken), policy);
        return Task.Factory.StartNew(Look, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public void Dispose() => device.Dispose();
}

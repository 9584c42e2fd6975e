using Operos.Proto;

namespace Operos.Worker.Disks;

/// <summary>
/// What this machine's disks are and what becomes of them, for who reports it; and whose turn it is to work on them.
/// </summary>
internal sealed class DiskBoard
{
    private readonly Lock boardLock = new();
    private readonly SemaphoreSlim turn = new(1);
    private TaskCompletionSource changed = NewSignal(), asked = NewSignal();

    private readonly Dictionary<string, DiskWipe> wipes = new(StringComparer.Ordinal);
    private IReadOnlyList<DiskState>? disks;
    private long osdMemory;

    /// <summary>As they were looked at last, each with its last wipe; null while nobody has looked.</summary>
    public IReadOnlyList<DiskState>? Disks
    {
        get
        {
            lock (boardLock)
                return disks is null ? null
                    : [.. disks.Select(disk => wipes.TryGetValue(disk.Name, out var wipe) ? disk with { Wipe = wipe } : disk)];
        }
    }

    /// <summary>Ends when something else is shown than when this was asked for.</summary>
    public Task Changed { get { lock (boardLock) return changed.Task; } }

    /// <summary>Ends when somebody wants the disks looked at again.</summary>
    public Task Asked { get { lock (boardLock) return asked.Task; } }

    public void Show(IReadOnlyList<DiskState> looked)
    {
        lock (boardLock)
        {
            disks = looked;
            foreach (var gone in wipes.Keys.Except(looked.Select(disk => disk.Name)).ToList()) wipes.Remove(gone);
            Change();
        }
    }

    /// <summary>Tells how a wipe goes.</summary>
    /// <param name="name">The disk's.</param>
    /// <param name="looked">The disk as it is now; null where it was not looked at.</param>
    public void Tell(string name, DiskWipe wipe, DiskState? looked = null)
    {
        lock (boardLock)
        {
            wipes[name] = wipe;
            if (looked is not null && disks is not null) disks = [.. disks.Select(disk => disk.Name == name ? looked : disk)];
            Change();
        }
    }

    /// <summary>Has the disks looked at again, soon.</summary>
    public void Ask()
    {
        lock (boardLock)
        {
            asked.SetResult();
            asked = NewSignal();
        }
    }

    /// <summary>
    /// Is told after each look which partitions OSDs may be on, and how many more are to be, as long as nobody else has the turn.
    /// </summary>
    public event Action<IReadOnlyList<OsdTarget>, int>? OsdsFound;

    public void TellOsds(IReadOnlyList<OsdTarget> found, int planned) => OsdsFound?.Invoke(found, planned);

    /// <summary>What OSDs on them take of the machine's memory, in bytes.</summary>
    public long OsdMemory { get => Interlocked.Read(ref osdMemory); set => Interlocked.Exchange(ref osdMemory, value); }

    /// <summary>Ends what runs on a disk that is given up, by its name; null where nothing ever runs on one.</summary>
    public Func<string, CancellationToken, Task>? EndUseAsync { get; set; }

    /// <summary>Waits until nobody else works on a disk; the turn ends when it is disposed of.</summary>
    public Task<IDisposable> TakeTurnAsync(CancellationToken cancellationToken) => Turn.TakeAsync(turn, cancellationToken);

    private void Change()
    {
        changed.SetResult();
        changed = NewSignal();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

namespace Operos.Lab;

/// <summary>The time that a scenario may take, all its waits together; what runs out of it is cancelled.</summary>
public sealed class Budget : IDisposable
{
    private readonly CancellationTokenSource source;
    private readonly DateTime end;

    /// <param name="total"><see cref="Timeout.InfiniteTimeSpan"/> for no end.</param>
    /// <param name="outer">Cancels it earlier.</param>
    public Budget(TimeSpan total, CancellationToken outer = default)
    {
        end = total == Timeout.InfiniteTimeSpan ? DateTime.MaxValue : DateTime.UtcNow + total;
        (Total, source) = (total, CancellationTokenSource.CreateLinkedTokenSource(outer));
        source.CancelAfter(total);
    }

    public TimeSpan Total { get; }

    /// <summary>Never negative.</summary>
    public TimeSpan Left => end > DateTime.UtcNow ? end - DateTime.UtcNow : TimeSpan.Zero;

    public CancellationToken Token => source.Token;

    public void Dispose() => source.Dispose();
}

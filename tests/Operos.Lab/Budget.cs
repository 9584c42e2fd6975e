namespace Operos.Lab;

/// <summary>The time that a scenario may take, all its waits together; what runs out of it is cancelled.</summary>
public sealed class Budget : IDisposable
{
    private readonly CancellationTokenSource source;
    private readonly DateTime end;
    /// <summary>A timer may be a little early by the clock.</summary>
    private static readonly TimeSpan TimerSlack = TimeSpan.FromSeconds(1);

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

    /// <summary>A wait for as long as it lasts.</summary>
    public Wait Wait(string what) => new(what, Left);

    /// <summary>Why something ended that ran within it: a cancellation by the budget says so.</summary>
    public string Why(Exception failure) => failure is OperationCanceledException && source.IsCancellationRequested && Left < TimerSlack
        ? $"the budget of {Total.TotalSeconds:0} s is used up"
        : failure.Message;

    public void Dispose() => source.Dispose();
}

namespace Operos.Worker.Disks;

/// <summary>One's turn at something that one at a time does; it ends when it is disposed of.</summary>
internal sealed class Turn : IDisposable
{
    private readonly SemaphoreSlim turn;
    private int ended;

    private Turn(SemaphoreSlim turn) => this.turn = turn;

    public static async Task<IDisposable> TakeAsync(SemaphoreSlim turn, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Turn(turn);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref ended, 1) == 0) turn.Release();
    }
}

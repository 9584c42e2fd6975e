namespace Operos.Linux.Supervision;

/// <summary>What runs a daemon: systemd, whose unit lives on when this agent ends, or this agent itself.</summary>
public interface IDaemonProcess
{
    /// <summary>Its process id; null where it does not run. One that starts runs, however long that takes.</summary>
    /// <exception cref="IOException">Nobody can tell.</exception>
    Task<int?> FindAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Starts one that does not run, or ends one that does and starts it; its process id. Does not wait for a long start to be over.
    /// </summary>
    /// <exception cref="IOException">It cannot be started; with the reason.</exception>
    Task<int> StartAsync(CancellationToken cancellationToken);

    /// <summary>Lets it read its files again (SIGHUP).</summary>
    /// <exception cref="IOException">It cannot be told.</exception>
    Task ReloadAsync(CancellationToken cancellationToken);

    /// <summary>Ends it, also one that does not listen.</summary>
    /// <exception cref="IOException">It cannot be ended.</exception>
    Task StopAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Returns when that process has ended; why it did, with its last words. Null where another runs in its place, which answers: of an end
    /// that did no harm nothing is told.
    /// </summary>
    /// <param name="answers">Says that it need not be looked at often, where looking costs something.</param>
    Task<string?> EndAsync(int process, Func<bool> answers, CancellationToken cancellationToken);

    /// <summary>This agent ends: nothing stays behind that nobody would find again.</summary>
    Task LeaveAsync();
}

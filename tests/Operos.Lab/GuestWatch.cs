using System.Text.Json;

namespace Operos.Lab;

/// <summary>Looks at one guest through QEMU's protocol, from power on to QEMU's end.</summary>
/// <param name="mayStandStill">Whether the lab itself has paused the guest.</param>
internal sealed class GuestWatch(Qmp qmp, SerialLog console, bool mayPanic, Func<bool> mayStandStill)
{
    private const string Panic = "Kernel panic - not syncing";

    /// <summary>QEMU tells each change; a state that it keeps to itself is seen by asking.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    /// <summary>How long a kernel that panicked may write why.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(10);

    /// <summary>In these a guest does not come on by itself, and QEMU does not end (QEMU's qapi/run-state.json).</summary>
    private static readonly string[] Stuck = ["internal-error", "io-error", "guest-panicked", "watchdog"];

    private readonly int start = console.Text.Length;
    private string? shutdown;

    /// <summary>Ends when QEMU does; why it did by its own account, such as <c>guest-reset</c>, or null where it said nothing.</summary>
    /// <exception cref="LabException">The guest came to a stop that nobody asked for, or QEMU does not answer.</exception>
    public async Task<string?> UntilEndAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            while (qmp.Events.TryRead(out var told)) await ConsiderAsync(told, cancellationToken).ConfigureAwait(false);
            if (qmp.Events.Completion.IsCompleted) return shutdown;
            await LookAsync(cancellationToken).ConfigureAwait(false);
            using var glance = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            glance.CancelAfter(Glance);
            try { await qmp.Events.WaitToReadAsync(glance.Token).ConfigureAwait(false); }
            catch (OperationCanceledException) { cancellationToken.ThrowIfCancellationRequested(); }
        }
    }

    private async Task ConsiderAsync(QmpEvent told, CancellationToken cancellationToken)
    {
        if (told.Name == "SHUTDOWN") shutdown = told.Data.GetProperty("reason").GetString();
        if (told.Name == "GUEST_PANICKED" && !mayPanic) await PanickedAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        // Asked for is what was when the question left, and what is when the answer came.
        var askedFor = mayStandStill();
        JsonElement answer;
        try { answer = await qmp.ExecuteAsync("query-status", null, cancellationToken).ConfigureAwait(false); }
        // QEMU that ends while it is asked has mostly said why, in an event that is still unread.
        catch (LabException) when (qmp.HasEnded) { return; }
        var status = answer.GetProperty("status").GetString();
        if (Stuck.Contains(status) || status == "paused" && !askedFor && !mayStandStill())
            throw new LabException($"the guest stands in state {status}");
        // A guest whose kernel has no driver for QEMU's panic device tells on its console alone.
        if (mayPanic) return;
        if (HasPanicked()) await PanickedAsync(cancellationToken).ConfigureAwait(false);
    }

    private bool HasPanicked()
    {
        var text = console.Text;
        return text.IndexOf(Panic, Math.Min(start, text.Length), StringComparison.Ordinal) >= 0;
    }

    private async Task PanickedAsync(CancellationToken cancellationToken)
    {
        // The kernel still writes why, as fast as a busy host lets it.
        var began = Environment.TickCount64;
        int before;
        do
        {
            before = console.Text.Length;
            await Task.Delay(Glance, cancellationToken).ConfigureAwait(false);
        }
        while ((console.Text.Length != before || !HasPanicked()) && Environment.TickCount64 - began < LastWords.TotalMilliseconds);
        throw new LabException("the guest's kernel panicked");
    }
}

namespace Operos.Lab;

/// <summary>The machines that a test or the demo needs all of: what is done with them ends as soon as one of them fails.</summary>
public sealed class MachineGroup : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private readonly List<VirtualMachine> machines = [];
    private readonly TaskCompletionSource<LabException> failure = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>In the order of their power on, those too that were switched off since.</summary>
    public IReadOnlyList<VirtualMachine> Machines { get { lock (machines) return [.. machines]; } }

    /// <summary>Completes with the first failure of a machine. Never faults.</summary>
    public Task<LabException> Failure => failure.Task;

    public async Task<VirtualMachine> StartAsync(
        VirtualMachineOptions options, LabNetwork network, LabFolder folder, CancellationToken cancellationToken)
    {
        VirtualMachine machine;
        try { machine = await VirtualMachine.StartAsync(options, network, folder, cancellationToken).ConfigureAwait(false); }
        catch (LabException e)
        {
            failure.TrySetResult(e);
            throw;
        }
        Add(machine);
        return machine;
    }

    public void Add(VirtualMachine machine)
    {
        lock (machines) machines.Add(machine);
        _ = machine.Failure.ContinueWith(first => failure.TrySetResult(first.Result), TaskScheduler.Default);
    }

    /// <summary>Runs what is done with the machines; its token is cancelled when one of them fails.</summary>
    /// <exception cref="LabException">A machine failed; the message says which and how.</exception>
    public async Task RunAsync(Func<CancellationToken, Task> body, CancellationToken cancellationToken)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = body(failed.Token);
        if (await Task.WhenAny(running, failure.Task).ConfigureAwait(false) == failure.Task)
        {
            await failed.CancelAsync().ConfigureAwait(false);
            // What cannot be cancelled is left behind.
            await Task.WhenAny(running, Task.Delay(Grace, CancellationToken.None)).ConfigureAwait(false);
            var first = await failure.Task.ConfigureAwait(false);
            // Who waited at a console says for what.
            throw running.Exception?.InnerException is LabException told && Tells(told.Message, first) ? told : first;
        }
        await running.ConfigureAwait(false);
    }

    /// <summary>What each machine has to say beyond what a message already tells.</summary>
    public string Describe(string told) =>
        string.Join("\n\n", Machines.Where(machine => !IsTold(machine, told)).Select(machine => machine.Describe()));

    private static bool IsTold(VirtualMachine machine, string told) => machine.Failure.IsCompleted && Tells(told, machine.Failure.Result);

    private static bool Tells(string text, LabException failure) => text.Contains(failure.Message, StringComparison.Ordinal);

    public void Dispose()
    {
        foreach (var machine in Machines) machine.Dispose();
    }
}

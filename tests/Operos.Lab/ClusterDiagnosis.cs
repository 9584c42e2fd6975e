namespace Operos.Lab;

/// <summary>What an operator would ask of a cluster that failed, in this order: a run's summary shows a failure's first lines only.</summary>
public static class ClusterDiagnosis
{
    /// <summary>For all questions together: a failure is not to be told late.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private const string Look =
        "uptime; systemctl --failed --no-legend; journalctl --boot --priority warning --lines 12 --no-pager --output cat | cut -c1-200";

    /// <summary>Never throws; a machine that hangs does not hang what tells of it.</summary>
    public static async Task<string> TellAsync(Cluster cluster)
    {
        var told = cluster.Machines.Select(machine => $"{machine.Options.Name}: {machine.Console.Tail(4)}").ToList();
        // A controller that stands still answers nothing.
        if (cluster.Machines.Count == 0 || cluster.Controller.Failure.IsCompleted) return string.Join('\n', told);
        using var limit = new CancellationTokenSource(Patience);
        IReadOnlyList<ClusterMachine> workers = [];
        await AskAsync(async () =>
        {
            workers = await cluster.WorkersAsync(limit.Token).ConfigureAwait(false);
            return $"{workers.Count} workers are known";
        }).ConfigureAwait(false);
        foreach (var worker in workers)
        {
            await AskAsync(() => cluster.CtlAsync(["why", worker.Id], Patience, limit.Token)).ConfigureAwait(false);
            if (worker.Address is { } address) await AskAsync(() => cluster.SshAsync(address, Look, limit.Token)).ConfigureAwait(false);
        }
        return string.Join('\n', told);

        async Task AskAsync(Func<Task<string>> ask) => told.Add(await TryAsync(ask).ConfigureAwait(false));
    }

    private static async Task<string> TryAsync(Func<Task<string>> ask)
    {
        try { return (await ask().ConfigureAwait(false)).Trim(); }
        catch (LabException e) { return e.Message; }
        catch (OperationCanceledException) { return $"no answer within the {Patience.TotalSeconds:0} s for all questions"; }
    }
}

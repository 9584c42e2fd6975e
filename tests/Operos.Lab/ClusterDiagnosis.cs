namespace Operos.Lab;

/// <summary>What an operator would ask of a cluster that failed, in this order: a run's summary shows a failure's first lines only.</summary>
public static class ClusterDiagnosis
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private const string Look =
        "uptime; systemctl --failed --no-legend; journalctl --boot --priority warning --lines 12 --no-pager --output cat | cut -c1-200";

    /// <summary>Never throws; a machine that hangs does not hang what tells of it.</summary>
    public static async Task<string> TellAsync(Cluster cluster)
    {
        var told = cluster.Machines.Select(machine => $"{machine.Options.Name}: {machine.Console.Tail(4)}").ToList();
        IReadOnlyList<ClusterMachine> workers = [];
        told.Add(await AskAsync(async limit =>
        {
            workers = await cluster.WorkersAsync(limit).ConfigureAwait(false);
            return $"{workers.Count} workers are known";
        }).ConfigureAwait(false));
        foreach (var worker in workers)
        {
            told.Add(await AskAsync(limit => cluster.CtlAsync(["why", worker.Id], Patience, limit)).ConfigureAwait(false));
            if (worker.Address is { } address)
                told.Add(await AskAsync(limit => cluster.SshAsync(address, Look, limit)).ConfigureAwait(false));
        }
        return string.Join('\n', told);
    }

    private static async Task<string> AskAsync(Func<CancellationToken, Task<string>> ask)
    {
        using var limit = new CancellationTokenSource(Patience);
        try { return (await ask(limit.Token).ConfigureAwait(false)).Trim(); }
        catch (LabException e) { return e.Message; }
        catch (OperationCanceledException) { return $"no answer within {Patience.TotalSeconds:0} s"; }
    }
}

namespace Operos.Lab;

/// <summary>
/// What an operator would ask of a cluster that failed, in this order: a run's summary shows a failure's first lines only.
/// </summary>
internal static class ClusterDiagnosis
{
    /// <summary>For all questions together: a failure is not to be told late.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>For a shell of a machine: units that failed, and the last warnings.</summary>
    public const string Look = """
        uptime
        systemctl is-system-running
        systemctl --failed --no-legend
        journalctl --boot --priority warning --lines 12 --no-pager --output cat | cut -c1-200
        """;

    /// <summary>Never throws; a machine that hangs does not hang what tells of it.</summary>
    /// <param name="looks">How to look at machines, given those that the controller knows; each answers with what it shows.</param>
    public static async Task<string> TellAsync(
        Operosctl operosctl, Func<IReadOnlyList<ClusterMachine>, IEnumerable<Func<CancellationToken, Task<string>>>> looks)
    {
        using var limit = new CancellationTokenSource(Patience);
        var told = new List<string>();
        IReadOnlyList<ClusterMachine> machines = [];
        await AskAsync(token => operosctl.RunAsync(["status"], token, Patience)).ConfigureAwait(false);
        await AskAsync(async token =>
        {
            machines = await operosctl.MachinesAsync(token, Patience).ConfigureAwait(false);
            return $"{machines.Count(machine => machine.IsWorker)} workers are known";
        }).ConfigureAwait(false);
        foreach (var worker in machines.Where(machine => machine.IsWorker))
            await AskAsync(token => operosctl.RunAsync(["why", worker.Id], token, Patience)).ConfigureAwait(false);
        foreach (var look in looks(machines)) await AskAsync(look).ConfigureAwait(false);
        return string.Join('\n', told);

        async Task AskAsync(Func<CancellationToken, Task<string>> ask) => told.Add(await TryAsync(ask, limit.Token).ConfigureAwait(false));
    }

    private static async Task<string> TryAsync(Func<CancellationToken, Task<string>> ask, CancellationToken limit)
    {
        try { return (await ask(limit).ConfigureAwait(false)).Trim(); }
        catch (LabException e) { return e.Message; }
        catch (OperationCanceledException) { return $"no answer within the {Patience.TotalSeconds:0} s for all questions"; }
    }
}

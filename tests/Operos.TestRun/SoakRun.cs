namespace Operos.TestRun;

/// <summary>Goes through the long lists part by part, until all are done or it is stopped; the next goes on.</summary>
/// <param name="folder">Of the state and of the logs of what failed; it is there.</param>
/// <param name="output">Gets a line for each part, and the report.</param>
/// <param name="time">By which the limit counts.</param>
internal sealed class SoakRun(Func<SoakPart, Group> parts, string folder, TimeSpan limit, TextWriter output, TimeProvider time,
    CancellationToken stop)
{
    private readonly long _began = time.GetTimestamp();

    private TimeSpan Elapsed => time.GetElapsedTime(_began);

    /// <returns>Whether nothing has failed so far.</returns>
    public async Task<bool> RunAsync()
    {
        var programs = parts(default).Items.Select(item => Path.GetDirectoryName(item.Command[0])!);
        var state = SoakState.Open(Path.Combine(folder, "state"), programs);
        var left = state.Left.ToList();
        if (state.Done > 0) output.WriteLine($"{state.Done} of {SoakPart.Count} parts were done before, by the same programs");
        var (passed, failed) = (0, 0);
        for (var i = 0; i < left.Count && !stop.IsCancellationRequested && Elapsed < limit; i++)
        {
            var report = await RunAsync(left[i]).ConfigureAwait(false);
            if (stop.IsCancellationRequested) break;
            (passed, failed) = (passed + report.Passed, failed + report.Failed);
            state.Record(left[i], report.Failed == 0);
            var rest = ItemRun.InWords(Elapsed / (i + 1) * (left.Count - i - 1));
            var outcome = report.Failed == 0 ? "passed" : "FAILED";
            output.WriteLine($"part {left[i]}: {outcome}; {state.Done} of {SoakPart.Count} done, about {rest} left");
        }
        Report(state);
        output.WriteLine($"\n{passed} passed, {failed} failed");
        return state.Failed.Count == 0;
    }

    private void Report(SoakState state)
    {
        var next = state.Done < SoakPart.Count ? ": make soak goes on here" : "";
        output.WriteLine($"\n{state.Done} of {SoakPart.Count} parts are done{next}");
        if (state.Failed.Count == 0) return;
        output.WriteLine($"{state.Failed.Count} failed: {string.Join(' ', state.Failed)}; logs: {folder}");
        output.WriteLine($"by hand: {SoakPart.Variable}={state.Failed[0]} PROGRAM -explicit only -trait stage=soak");
    }

    private async Task<RunReport> RunAsync(SoakPart part)
    {
        var group = new Group([.. parts(part).Items.Select(item => item with { Name = $"{item.Name} {part}" })]);
        using var told = new StringWriter();
        var run = new TestRun(new RunOptions(folder, TimeSpan.FromHours(1)), told, stop);
        var report = new RunReport(await run.RunAsync([new Stage("soak", [group])]).ConfigureAwait(false));
        if (report.Failed > 0 && !stop.IsCancellationRequested) report.Write(folder, output);
        // Of what passed or was stopped nobody wants a log.
        foreach (var item in report.Stages.SelectMany(stage => stage.Items).Where(item => !item.HasFailed || stop.IsCancellationRequested))
            foreach (var file in Directory.EnumerateFiles(folder, item.Item.FileName + ".*")) File.Delete(file);
        return report;
    }
}

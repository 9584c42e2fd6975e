using System.Diagnostics;

namespace Operos.Lab.Tests;

/// <summary>However it goes, a wait ends, and says for what it waited.</summary>
public sealed class WaitTests : IDisposable
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(0.4), Long = TimeSpan.FromMinutes(5);
    private readonly string log = Path.GetTempFileName();

    [Fact]
    public async Task An_answer_ends_it_at_once()
    {
        var looks = 0;
        Assert.Equal("3", await Wait.ForAsync("the third look", Long, () => Task.FromResult(++looks == 3 ? $"{looks}" : null)));
    }

    [Fact]
    public async Task A_failure_says_what_for_how_long_the_last_reason_and_the_ends_of_logs()
    {
        await File.WriteAllTextAsync(log, "the last word\n");
        var looks = 0;
        var wait = new Wait("the door opens", Short) { LooksAgain = true, Logs = [log, "/no/such/log"] };
        var failure = await Assert.ThrowsAsync<LabException>(
            () => wait.UntilAsync(() => throw new LabException($"shut at look {++looks}")));
        Assert.True(looks > 1);
        Assert.Equal(
            $"the door opens: not within 0 s; last: shut at look {looks}\n== end of {log}\nthe last word\n== end of /no/such/log\nmissing",
            failure.Message);
    }

    [Fact]
    public async Task A_look_that_fails_ends_it_where_that_is_no_sign_of_being_early()
    {
        var failure = await Assert.ThrowsAsync<LabException>(
            () => Wait.UntilAsync("it holds", Long, () => throw new LabException("broken")));
        Assert.Equal("broken", failure.Message);
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => new Wait("it holds", Long) { LooksAgain = true }.UntilAsync(() => throw new InvalidOperationException()));
    }

    [Fact]
    public async Task A_look_that_hangs_ends_with_it()
    {
        var wait = new Wait("it answers", Short) { Grace = Short };
        var failure = await Assert.ThrowsAsync<LabException>(() => wait.UntilAsync(async () =>
        {
            await Task.Delay(Long);
            return true;
        })).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal("it answers: not within 0 s; last: a look at it has not ended 0 s later", failure.Message);
    }

    [Fact]
    public async Task A_budget_cancels_what_runs_within_it_and_says_so()
    {
        using var budget = new Budget(Short);
        var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Delay(Long, budget.Token));
        Assert.Equal("the budget of 0 s is used up", budget.Why(failure));
        Assert.Equal("another reason", budget.Why(new LabException("another reason")));
        var told = await Assert.ThrowsAsync<LabException>(() => budget.Wait("nothing is left").UntilAsync(() => Task.FromResult(false)));
        Assert.Equal("nothing is left: not within 0 s", told.Message);
    }

    [Fact]
    public async Task Who_is_called_off_does_not_wait_on()
    {
        using var stop = new CancellationTokenSource(Short);
        var clock = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new Wait("it holds", Long).UntilAsync(async () => { await Task.Delay(Long); return true; }, stop.Token));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{clock.Elapsed}");
    }

    public void Dispose() => File.Delete(log);
}

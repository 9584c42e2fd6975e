using Operos.Linux.Tasks;

namespace Operos.Controller.Tests;

public sealed class TaskGroupTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly SupervisedTask Endless = new("endless", token => Task.Delay(Timeout.Infinite, token));

    [Fact]
    public async Task The_first_that_fails_is_the_cause_and_what_others_fail_with_while_they_end_is_said_too()
    {
        var failure = await FailureOfAsync(Endless,
            new("disk", async _ => { await Task.Yield(); throw new IOException("no space left"); }),
            new("network", async token =>
            {
                try { await Task.Delay(Timeout.Infinite, token); }
                catch (OperationCanceledException) { throw new InvalidOperationException("the lease could not be given back"); }
            }));
        Assert.Equal("disk: no space left; also network: the lease could not be given back", failure.Message);
        Assert.IsType<IOException>(failure.InnerException);
        Assert.Equal(["disk", "network"], failure.Failures.Select(one => one.Name));
    }

    [Fact]
    public async Task A_task_that_ends_though_nobody_told_it_to_is_an_error_that_names_it()
    {
        var failure = await FailureOfAsync(Endless, new("watch", _ => Task.CompletedTask));
        Assert.Equal("watch: ended, though nobody told it to", failure.Message);
    }

    [Fact]
    public async Task A_task_that_cancels_itself_is_an_error_that_names_it()
    {
        var failure = await FailureOfAsync(Endless, new("call", _ => Task.FromCanceled(new CancellationToken(true))));
        Assert.Equal("call: was cancelled, though nobody told it to end", failure.Message);
    }

    [Fact]
    public async Task A_task_that_fails_before_its_first_wait_leaves_none_of_those_before_it_behind()
    {
        var ended = false;
        var failure = await FailureOfAsync(
            new("patient", async token =>
            {
                try { await Task.Delay(Timeout.Infinite, token); }
                finally { ended = true; }
            }),
            new("hasty", _ => throw new IOException("no such file")));
        Assert.Equal("hasty: no such file", failure.Message);
        Assert.True(ended);
    }

    [Fact]
    public async Task A_cancelled_group_ends_as_cancelled_when_all_have_ended()
    {
        using var stop = new CancellationTokenSource();
        var ended = 0;
        var group = TaskGroup.RunAsync(stop.Token, Work("throws", rethrow: true), Work("returns", rethrow: false));
        Assert.False(group.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => group.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal(2, ended);

        SupervisedTask Work(string name, bool rethrow) => new(name, async token =>
        {
            try { await Task.Delay(Timeout.Infinite, token); }
            catch (OperationCanceledException) when (!rethrow) { }
            finally { Interlocked.Increment(ref ended); }
        });
    }

    [Fact]
    public async Task What_fails_while_a_cancelled_group_ends_is_not_lost()
    {
        using var stop = new CancellationTokenSource();
        var group = TaskGroup.RunAsync(stop.Token, Endless, new("store", async token =>
        {
            try { await Task.Delay(Timeout.Infinite, token); }
            finally { throw new IOException("cannot be written"); }
        }));
        await stop.CancelAsync();
        var failure = await Assert.ThrowsAsync<TaskGroupException>(
            () => group.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal("store: cannot be written", failure.Message);
    }

    [Fact]
    public async Task A_task_that_does_not_end_when_it_is_told_to_is_named_and_not_waited_for_any_longer()
    {
        var deaf = new TaskCompletionSource();
        var group = TaskGroup.RunAsync([new("deaf", _ => deaf.Task), new("watch", _ => throw new IOException("gone"))],
            TimeSpan.FromSeconds(0.2), TestContext.Current.CancellationToken);
        var failure = await Assert.ThrowsAsync<TaskGroupException>(
            () => group.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal("watch: gone; also deaf: does not end within 0.2 s of being told to", failure.Message);
        deaf.SetResult();
    }

    [Fact]
    public async Task A_group_within_a_group_says_the_way_to_what_failed()
    {
        var failure = await FailureOfAsync(Endless,
            new("Kubernetes", token => TaskGroup.RunAsync(token, Endless, new("nodes", _ => throw new IOException("refused")))));
        Assert.Equal("Kubernetes: nodes: refused", failure.Message);
    }

    private static Task<TaskGroupException> FailureOfAsync(params IReadOnlyList<SupervisedTask> works) =>
        Assert.ThrowsAsync<TaskGroupException>(() => TaskGroup.RunAsync(TestContext.Current.CancellationToken, works)
            .WaitAsync(Patience, TestContext.Current.CancellationToken));
}

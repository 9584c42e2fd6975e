using Microsoft.Extensions.Logging.Abstractions;
using Operos.Linux.Tasks;

namespace Operos.Controller.Tests;

/// <summary>Parts of an agent that may fail alone.</summary>
public sealed class EnduringTaskTests
{
    private readonly TestClock clock = new();

    [Fact]
    public async Task One_that_fails_is_told_begins_again_and_the_others_go_on()
    {
        var parts = new EnduringTasks(clock, NullLogger.Instance);
        var (begun, works) = (0, new TaskCompletionSource());
        using var stop = new CancellationTokenSource();
        var group = TaskGroup.RunAsync(stop.Token, new SupervisedTask("essential", Forever), parts.Of("port", async token =>
        {
            if (++begun < 2) throw new IOException("the port is another's");
            works.SetResult();
            await Forever(token);
        }));
        await UntilAsync(() => parts.Failing.Count == 1);
        Assert.Equal(("port", "the port is another's"), (parts.Failing[0].Name, parts.Failing[0].Text));
        await works.Task.WaitAsync(TimeSpan.FromSeconds(20));
        // It has only just begun.
        await UntilAsync(() => parts.Failing.Count == 1);
        clock.Ahead = TimeSpan.FromSeconds(11);
        Assert.Empty(parts.Failing);
        Assert.False(group.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => group);
    }

    [Fact]
    public async Task One_that_ends_untold_has_failed_and_one_that_cannot_be_made_stays_told()
    {
        var parts = new EnduringTasks(clock, NullLogger.Instance);
        parts.CannotBeMade("keys", new IOException("no keys"));
        using var stop = new CancellationTokenSource();
        var group = TaskGroup.RunAsync(stop.Token, parts.Of("mute", _ => Task.CompletedTask));
        await UntilAsync(() => parts.Failing.Count == 2);
        Assert.Equal(["keys", "mute"], parts.Failing.Select(part => part.Name));
        Assert.StartsWith("no keys", parts.Failing[0].Text, StringComparison.Ordinal);
        Assert.Contains("nobody told it to", parts.Failing[1].Text, StringComparison.Ordinal);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => group);
    }

    [Fact]
    public async Task One_that_leaves_something_running_ends_the_agent()
    {
        var parts = new EnduringTasks(clock, NullLogger.Instance);
        using var never = new CancellationTokenSource();
        var stuck = parts.Of("outer", token => TaskGroup.RunAsync(
            [new("deaf", _ => Task.Delay(Timeout.Infinite, never.Token)), new("fails", _ => throw new IOException("first"))],
            TimeSpan.FromMilliseconds(50), token));
        var failure = await Assert.ThrowsAsync<TaskGroupException>(() => TaskGroup.RunAsync(default, stuck));
        Assert.True(failure.LeavesSomeBehind);
        await never.CancelAsync();
    }

    private static Task Forever(CancellationToken token) => Task.Delay(Timeout.Infinite, token);

    private static async Task UntilAsync(Func<bool> holds)
    {
        for (var attempt = 0; !holds(); attempt++)
        {
            Assert.True(attempt < 400, "it does not hold within 20 s");
            await Task.Delay(50);
        }
    }
}

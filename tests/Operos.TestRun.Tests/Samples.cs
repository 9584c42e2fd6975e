namespace Operos.TestRun.Tests;

/// <summary>Tests that a run of the runner runs: explicit, so that nobody else does.</summary>
public sealed class Samples
{
    [Fact(Explicit = true)]
    public void Passes() => Console.WriteLine("a word of a test");

    [Fact(Explicit = true)]
    public void Fails() => Assert.Equal("what was wanted", "what was got");

    [Fact(Explicit = true)]
    public void Fails_with_a_console() => throw new InvalidOperationException("\u001b[!p\u001b]104\u0007the guest's last words");

    [Fact(Explicit = true, Skip = "for a reason")]
    public void Is_skipped() { }

    [Fact(Explicit = true)]
    public async Task Waits_for_ever() => await Never();

    [Fact(Explicit = true)]
    public void Sleeps_for_ever() => Thread.Sleep(Timeout.Infinite);

    [Fact(Explicit = true)]
    public void Kills_its_process()
    {
        LetBeginningBeTold();
        System.Diagnostics.Process.GetCurrentProcess().Kill();
    }

    [Fact(Explicit = true)]
    public void Exits()
    {
        LetBeginningBeTold();
        Environment.Exit(0);
    }

    [Theory(Explicit = true)]
    [InlineData(1)]
    [InlineData(2)]
    public void Has_rows(int row) => Assert.True(row > 0);

    /// <summary>That a test has begun is written by a thread of the reporter's own.</summary>
    private static void LetBeginningBeTold() => Thread.Sleep(TimeSpan.FromSeconds(2));

    private static async Task Never()
    {
        await Task.Delay(Timeout.Infinite);
        GC.KeepAlive(null);
    }
}

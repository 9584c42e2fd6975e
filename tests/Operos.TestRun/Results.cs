namespace Operos.TestRun;

internal enum TestOutcome
{
    Passed,
    Failed,
    Skipped,
}

/// <summary>How one test ended.</summary>
/// <param name="Text">Why it failed or was skipped.</param>
internal sealed record TestResult(string Name, double Seconds, TestOutcome Outcome, string Text = "")
{
    private const string Unbegun = "not started: ";

    /// <summary>It failed because of something else that did.</summary>
    public bool HasNotBegun => Text.StartsWith(Unbegun, StringComparison.Ordinal);

    /// <summary>Of a test that was to run and never began.</summary>
    public static TestResult NotStarted(string name, string reason) => new(name, 0, TestOutcome.Failed, Unbegun + reason);

    public static TestResult Skipped(string name, string reason) => new(name, 0, TestOutcome.Skipped, reason);
}

/// <summary>How an item ended: each of its tests once, and what went wrong beside them as a test that failed.</summary>
/// <param name="Outcome"><c>passed</c>, <c>failed</c>, <c>skipped</c>, or why it was cut short or not started.</param>
internal sealed record ItemResult(Item Item, double Seconds, string Outcome, IReadOnlyList<TestResult> Tests)
{
    public bool HasFailed => Tests.Any(test => test.Outcome == TestOutcome.Failed);

    public int Count(TestOutcome outcome) => Tests.Count(test => test.Outcome == outcome);
}

internal sealed record StageResult(string Name, double Seconds, IReadOnlyList<ItemResult> Items);

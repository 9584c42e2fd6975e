using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Operos.TestRun;

/// <summary>Reads what xUnit.net's JSON reporter tells of a project's tests: which run, and how each ended.</summary>
internal sealed class TestLedger
{
    private const string Mark = "{\"$type\":\"";
    /// <summary>Frames of the assertion itself, and of what called the test.</summary>
    private static readonly string[] Foreign = ["at Xunit.", "at System.Reflection.", "at InvokeStub_"];

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (string Name, long Started)> _running = [];
    private readonly Dictionary<string, TestResult> _ended = [];
    private readonly List<TestResult> _results = [];

    /// <summary>The runner came to its end, whatever the tests did.</summary>
    public bool IsComplete { get; private set; }

    public IReadOnlyList<TestResult> Results
    {
        get { lock (_lock) return [.. _results]; }
    }

    /// <summary>The tests that are running, each with its seconds, the oldest first.</summary>
    public IReadOnlyList<(string Name, double Seconds)> InFlight
    {
        get
        {
            lock (_lock)
            {
                var running = _running.Values.OrderBy(test => test.Started);
                return [.. running.Select(test => (test.Name, Stopwatch.GetElapsedTime(test.Started).TotalSeconds))];
            }
        }
    }

    /// <returns>The result that this line brought, and what a test or a fixture printed; nulls for all that is of no interest.</returns>
    public (TestResult? Result, string? Output) Read(string line)
    {
        // What a test writes without an end of line stands before the reporter's words.
        var start = line.IndexOf(Mark, StringComparison.Ordinal);
        if (start < 0) return (null, line);
        JsonElement message;
        try { message = JsonElement.Parse(Escaped(line[start..])); }
        catch (JsonException) { return (null, line); }
        lock (_lock) return (Take(message), start > 0 ? line[..start] : null);
    }

    /// <summary>
    /// xUnit.net's reporter writes what it escapes no further than JSON's short forms: a guest's console in a failure's message has others,
    /// and its line would be lost. Nothing but such a message has control characters in it.
    /// </summary>
    private static string Escaped(string json) =>
        json.Any(char.IsControl) ? string.Concat(json.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString())) : json;

    private TestResult? Take(JsonElement message)
    {
        var id = Text(message, "TestUniqueID");
        switch (Text(message, "$type"))
        {
            case "test-starting":
                _running[id] = (Text(message, "TestDisplayName"), Stopwatch.GetTimestamp());
                return null;
            case "test-passed":
                _ended[id] = new TestResult(Name(id), Seconds(message), TestOutcome.Passed);
                return null;
            case "test-failed":
                _ended[id] = new TestResult(Name(id), Seconds(message), TestOutcome.Failed, Failure(message));
                return null;
            case "test-skipped":
                _ended[id] = new TestResult(Name(id), 0, TestOutcome.Skipped, Text(message, "Reason"));
                return null;
            // Only now its class is disposed of, too.
            case "test-finished":
                _ended.Remove(id, out var result);
                _running.Remove(id);
                return result is null ? null : Add(result);
            case "test-assembly-finished":
                IsComplete = true;
                return null;
            case "error-message":
                return Add(new TestResult("an error of the runner", 0, TestOutcome.Failed, Failure(message)));
            case var type when type.EndsWith("-cleanup-failure", StringComparison.Ordinal):
                return Add(new TestResult(type, 0, TestOutcome.Failed, Failure(message)));
            default:
                return null;
        }
    }

    private TestResult Add(TestResult result)
    {
        _results.Add(result);
        return result;
    }

    private string Name(string id) => _running.TryGetValue(id, out var test) ? test.Name : id;

    private static string Failure(JsonElement message)
    {
        var text = new StringBuilder();
        var (messages, types, stacks) = (List(message, "Messages"), List(message, "ExceptionTypes"), List(message, "StackTraces"));
        for (var i = 0; i < messages.Count; i++)
        {
            // Assertions speak for themselves.
            var type = types.ElementAtOrDefault(i) ?? "";
            var isAssertion = type.Length == 0 || type.StartsWith("Xunit.Sdk.", StringComparison.Ordinal);
            text.AppendLine(isAssertion ? messages[i] : $"{type}: {messages[i]}");
            foreach (var frame in (stacks.ElementAtOrDefault(i) ?? "").Split('\n').Where(IsOurs)) text.AppendLine(frame.TrimEnd());
        }
        if (Text(message, "Output") is { Length: > 0 } output) text.AppendLine("it printed:").AppendLine(output);
        // What moves a cursor or rings a bell is not for the terminal of who reads this.
        return string.Concat(text.ToString().TrimEnd().Where(c => !char.IsControl(c) || c is '\n' or '\t'));
    }

    private static bool IsOurs(string frame) =>
        frame.Trim().Length > 0 && !Foreign.Any(start => frame.TrimStart().StartsWith(start, StringComparison.Ordinal));

    private static double Seconds(JsonElement message) => message.TryGetProperty("ExecutionTime", out var time) ? time.GetDouble() : 0;

    private static string Text(JsonElement message, string name) =>
        message.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static List<string> List(JsonElement message, string name) =>
        message.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => item.ToString())]
            : [];
}

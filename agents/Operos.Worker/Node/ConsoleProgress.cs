using Operos.Linux;
using Operos.Proto;

namespace Operos.Worker.Node;

/// <summary>What the person at the console is told after the enrolment: which step the node waits for, and that it is ready.</summary>
internal sealed class ConsoleProgress
{
    private const int LongestText = 200;
    private const string Node = "node", Ready = "ready";
    private string told = "";

    /// <summary>The next line; null where there is nothing new. A step's own words change often, so that it is told once.</summary>
    /// <param name="notReady">Why the API server does not have this machine for a node that is Ready; null where it does.</param>
    public string? Next(IReadOnlyList<NodeStep> steps, string? notReady)
    {
        if (steps.Count == 0) return null;
        var waits = steps.FirstOrDefault(step => !step.Done);
        var name = waits?.Name ?? (notReady is null ? Ready : Node);
        if (name == told) return null;
        told = name;
        if (waits is null) return notReady is null ? "ready: this machine is a node and takes pods"
            : $"node: all {steps.Count} steps are done; {notReady}";
        var done = steps.Count(step => step.Done);
        var text = PrintableText.Line(waits.Text, LongestText);
        return $"node: {done} of {steps.Count} steps are done; waits for {waits.Name}"
            + (text is null or NodeStep.NotBegun ? "" : $": {text}");
    }
}

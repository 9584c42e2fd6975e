using System.Text.RegularExpressions;

namespace Operos.Node.Runtime;

/// <summary>What a service said, by the journal.</summary>
internal static partial class ServiceJournal
{
    /// <summary>What the service said last that sounds like trouble; empty where the journal has nothing.</summary>
    public static async Task<string> LastErrorAsync(string service, CancellationToken cancellationToken)
    {
        var journal = await HostProgram.TryAsync("journalctl",
            ["--unit", service + ".service", "--lines", "50", "--output", "cat", "--no-pager", "--boot"], cancellationToken)
            .ConfigureAwait(false);
        return PickError(journal.Output);
    }

    /// <summary>Kubernetes' programs mark errors with E or F and the date (klog); usage texts and the like follow them.</summary>
    internal static string PickError(string journal)
    {
        var lines = journal.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var line = lines.LastOrDefault(line => KlogError().IsMatch(line))
            ?? lines.LastOrDefault(line =>
            line.Contains("level=error", StringComparison.Ordinal) || line.Contains("level=fatal", StringComparison.Ordinal)
            || line.Contains("rror:", StringComparison.Ordinal)) ?? lines.LastOrDefault() ?? "";
        line = KlogHead().Replace(line, "");
        return line.Length > 400 ? line[..400] : line;
    }

    [GeneratedRegex(@"\A[EF]\d{4} ")]
    private static partial Regex KlogError();

    [GeneratedRegex(@"\A[IWEF]\d{4} [0-9:.]+ +\d+ [^\]]*\] ")]
    private static partial Regex KlogHead();
}

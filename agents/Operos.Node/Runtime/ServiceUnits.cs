using System.Text.RegularExpressions;

namespace Operos.Node.Runtime;

/// <summary>The node's services as systemd keeps them. They live apart from the agent: it may end and start while they run.</summary>
internal sealed partial class ServiceUnits
{
    public async Task<UnitState> ReadAsync(string service, CancellationToken cancellationToken)
    {
        var text = await HostProgram.RunAsync("systemctl", ["show", "--property=LoadState,ActiveState,SubState,Result", service + ".service"], cancellationToken).ConfigureAwait(false);
        var values = text.Split('\n').Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1]);
        string Value(string name) => values.GetValueOrDefault(name, "");
        return new UnitState(Value("LoadState"), Value("ActiveState"), Value("SubState"), Value("Result"));
    }

    public Task StartAsync(string service, CancellationToken cancellationToken) => CallAsync("start", service, cancellationToken);

    public Task RestartAsync(string service, CancellationToken cancellationToken) => CallAsync("restart", service, cancellationToken);

    public Task StopAsync(string service, CancellationToken cancellationToken) => CallAsync("stop", service, cancellationToken);

    /// <summary>What the service said last that sounds like trouble; empty where the journal has nothing.</summary>
    public async Task<string> LastErrorAsync(string service, CancellationToken cancellationToken)
    {
        var journal = await HostProgram.TryAsync("journalctl", ["--unit", service + ".service", "--lines", "50", "--output", "cat", "--no-pager", "--boot"], cancellationToken).ConfigureAwait(false);
        return PickError(journal.Output);
    }

    /// <summary>Kubernetes' programs mark errors with E or F and the date (klog); usage texts and the like follow them.</summary>
    internal static string PickError(string journal)
    {
        var lines = journal.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var line = lines.LastOrDefault(line => KlogError().IsMatch(line)) ?? lines.LastOrDefault(line => line.Contains("level=error", StringComparison.Ordinal) || line.Contains("level=fatal", StringComparison.Ordinal) || line.Contains("rror:", StringComparison.Ordinal)) ?? lines.LastOrDefault() ?? "";
        line = KlogHead().Replace(line, "");
        return line.Length > 400 ? line[..400] : line;
    }

    private static async Task CallAsync(string verb, string service, CancellationToken cancellationToken) =>
        await HostProgram.RunAsync("systemctl", [verb, service + ".service"], cancellationToken).ConfigureAwait(false);

    [GeneratedRegex(@"\A[EF]\d{4} ")]
    private static partial Regex KlogError();

    [GeneratedRegex(@"\A[IWEF]\d{4} [0-9:.]+ +\d+ [^\]]*\] ")]
    private static partial Regex KlogHead();
}

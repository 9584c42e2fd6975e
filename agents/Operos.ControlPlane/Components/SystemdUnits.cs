using System.Text;
using Operos.Linux;

namespace Operos.ControlPlane.Components;

/// <summary>
/// Components as the units that the image ships: each reads ARGS of <c>/run/operos/kubernetes/NAME.env</c>. They live on when this agent
/// ends, and systemd restarts them.
/// </summary>
internal sealed class SystemdUnits(string folder)
{
    private const string Systemctl = "systemctl", ApiServerProgram = "/usr/bin/kube-apiserver";

    /// <summary>Starts a component that does not run, and restarts one that runs with other arguments. Says why it does not run; null where it does.</summary>
    public async Task<string?> EnsureAsync(Component component, CancellationToken cancellationToken)
    {
        var state = await ShowAsync(component.Name, cancellationToken).ConfigureAwait(false);
        var path = Path.Combine(folder, component.Name + ".env");
        var text = Environment(component);
        var changed = !File.Exists(path) || await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false) != text;
        if (changed) AtomicFile.Write(path, Encoding.UTF8.GetBytes(text));
        if (changed && state.Active is "active" or "activating") await CallAsync("restart", component.Name, cancellationToken).ConfigureAwait(false);
        else if (state.Active is not ("active" or "activating" or "reloading")) await CallAsync("start", component.Name, cancellationToken).ConfigureAwait(false);
        return state.Active == "active" ? null : $"{state.Active} ({state.Sub}{(state.Result is "success" or "" ? "" : $", {state.Result}")})";
    }

    public Task RestartAsync(Component component, CancellationToken cancellationToken) => CallAsync("restart", component.Name, cancellationToken);

    /// <summary>The component's last words, for an error's text; empty where it said nothing.</summary>
    public async Task<string> LastWordsAsync(string name, CancellationToken cancellationToken)
    {
        var (_, output, _) = await ProgramCall.RunAsync("journalctl", ["--unit", name + ".service", "--lines", "1", "--output", "cat", "--no-pager", "--quiet"], cancellationToken).ConfigureAwait(false);
        return output.Trim();
    }

    /// <summary>What <c>kube-apiserver --version</c> prints.</summary>
    public async Task<string> AskVersionAsync(CancellationToken cancellationToken) =>
        (await ProgramCall.RunAsync(ApiServerProgram, ["--version"], cancellationToken).ConfigureAwait(false)).Output;

    internal static string Environment(Component component) => $"ARGS={string.Join(' ', component.Arguments)}\n";

    private static async Task<(string Active, string Sub, string Result)> ShowAsync(string name, CancellationToken cancellationToken)
    {
        var (_, output, _) = await ProgramCall.RunAsync(Systemctl, ["show", "--property=ActiveState,SubState,Result", name + ".service"], cancellationToken).ConfigureAwait(false);
        var values = output.Split('\n').Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1]);
        return (values.GetValueOrDefault("ActiveState", "unknown"), values.GetValueOrDefault("SubState", ""), values.GetValueOrDefault("Result", ""));
    }

    /// <summary>Without waiting: a component may take long to be ready, and is watched by its own health.</summary>
    private static async Task CallAsync(string verb, string name, CancellationToken cancellationToken)
    {
        var (code, _, errors) = await ProgramCall.RunAsync(Systemctl, ["--no-block", verb, name + ".service"], cancellationToken).ConfigureAwait(false);
        if (code != 0) throw new IOException($"systemctl {verb} {name}: {errors}");
    }
}

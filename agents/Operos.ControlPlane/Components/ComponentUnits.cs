using System.Text;
using Operos.Linux;
using Operos.Linux.Programs;
using Operos.Linux.Units;

namespace Operos.ControlPlane.Components;

/// <summary>
/// Components as the units that the image ships: each reads ARGS of <c>/run/operos/kubernetes/NAME.env</c>. They live on when this agent
/// ends, and systemd restarts them.
/// </summary>
internal sealed class ComponentUnits(string folder) : IDisposable
{
    private readonly Systemd systemd = new();

    /// <summary>
    /// Starts a component that does not run, and restarts one that runs with other arguments. Says why it does not run; null where it does.
    /// </summary>
    public async Task<string?> EnsureAsync(Component component, CancellationToken cancellationToken)
    {
        var state = await systemd.ReadAsync(component.Name, cancellationToken).ConfigureAwait(false);
        var path = Path.Combine(folder, component.Name + ".env");
        var changed = AtomicFile.WriteIfChanged(path, Encoding.UTF8.GetBytes(Environment(component)));
        if (changed && state.Active is "active" or "activating")
            await systemd.OrderRestartAsync(component.Name, cancellationToken).ConfigureAwait(false);
        else if (state.Active is not ("active" or "activating" or "reloading"))
            await systemd.OrderStartAsync(component.Name, cancellationToken).ConfigureAwait(false);
        return state.IsRunning ? null : state.ToString();
    }

    /// <summary>Without waiting: a component may take long to be ready, and is watched by its own health.</summary>
    public Task RestartAsync(Component component, CancellationToken cancellationToken) =>
        systemd.OrderRestartAsync(component.Name, cancellationToken);

    /// <summary>The component's last words, for an error's text; empty where it said nothing.</summary>
    public async Task<string> LastWordsAsync(string name, CancellationToken cancellationToken)
    {
        var (_, output, _) = await ProgramCall.RunAsync("journalctl",
            ["--unit", name + ".service", "--lines", "1", "--output", "cat", "--no-pager", "--quiet"], cancellationToken)
            .ConfigureAwait(false);
        return output.Trim();
    }

    internal static string Environment(Component component) => $"ARGS={string.Join(' ', component.Arguments)}\n";

    public void Dispose() => systemd.Dispose();
}

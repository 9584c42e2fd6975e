namespace Operos.Node.Runtime;

/// <summary>The containers of pods as the runtime runs them, for a node whose kubelet is no more.</summary>
internal sealed class PodTasks(NodePaths paths)
{
    /// <summary>Ends them all at once.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(paths.ContainerdSocket)) return;
        string[] context = ["--address", paths.ContainerdSocket, "--namespace", "k8s.io"];
        var tasks = await HostProgram.RunAsync("ctr", [.. context, "tasks", "list", "--quiet"], cancellationToken).ConfigureAwait(false);
        foreach (var task in tasks.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            await HostProgram.TryAsync("ctr", [.. context, "tasks", "kill", "--signal", "SIGKILL", task], cancellationToken)
                .ConfigureAwait(false);
    }
}

using System.Diagnostics;
using Operos.Lab;

namespace Operos.Bench.Nodes;

/// <summary>
/// The API server's watches of nodes and pods, a line a change: what happens is seen when it does, and no guest is asked.
/// </summary>
internal sealed class ClusterWatch : IDisposable
{
    /// <summary>The controller is a node of its own.</summary>
    public const string NotController = "!node-role.kubernetes.io/control-plane";
    private readonly List<Process> processes = [];

    public ClusterWatch(Build build, LabNetwork network, LabFolder folder, string kubeconfig, string name)
    {
        Nodes = Watch("nodes", NotController,
            """{.type} {.object.metadata.name} {.object.status.conditions[?(@.type=="Ready")].status}{"\n"}""");
        Pods = Watch("pods", "", """{.type} {.object.metadata.name} {.object.status.phase}{"\n"}""");

        SerialLog Watch(string resource, string selector, string template)
        {
            var log = folder[$"{name}.{resource}"];
            // A change from a Node or pod of an earlier round would be one too many.
            File.Delete(log);
            var process = network.Start(Path.Combine(build.Out, "kubernetes/bin/kubectl"),
                ["--kubeconfig", kubeconfig, "get", resource, "--selector", selector, "--watch", "--output-watch-events", "-o", "jsonpath="
                + template], log);
            processes.Add(process);
            return new SerialLog(log, () => process.HasExited ? new LabException($"kubectl ended with {process.ExitCode}, {log}") : null);
        }
    }

    /// <summary>Lines of kind of change, name, and status of the condition Ready.</summary>
    public SerialLog Nodes { get; }

    /// <summary>Lines of kind of change, name, phase.</summary>
    public SerialLog Pods { get; }

    public void Dispose()
    {
        foreach (var process in processes)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }
}

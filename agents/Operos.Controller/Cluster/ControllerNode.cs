using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Operos.Controller.Configuration;
using Operos.Controller.Machines;
using Operos.Node;
using Operos.Node.Cni;
using Operos.Node.Policies;
using Operos.Proto;

namespace Operos.Controller.Cluster;

/// <summary>The controller as a node of its own cluster; a taint keeps pods away that do not ask for it.</summary>
internal sealed class ControllerNode
{
    /// <summary>The control plane, the agents and what serves boot, in bytes.</summary>
    private const long ServicesMemory = 1L << 30;
    private static readonly NodeTaint ControlPlane = new("node-role.kubernetes.io/control-plane", "", "NoSchedule");

    // The control plane's own certificates are in the folder that a worker has for this.
    private readonly NodePaths paths = new() { Pki = "/run/operos/kubernetes/node-pki" };
    private readonly KubernetesCluster cluster;
    private readonly MachineRecord machine;
    private readonly ControllerSettings settings;
    private readonly NodeAgent agent;

    public ControllerNode(KubernetesCluster cluster, MachineRecord machine, ControllerSettings settings, TimeProvider time,
        ILoggerFactory loggers)
    {
        (this.cluster, this.machine, this.settings) = (cluster, machine, settings);
        var pods = new AttachedPods(paths.AttachedPods);
        var policies = new PolicyGate(pods, cluster.OwnNode, loggers.CreateLogger<PolicyGate>());
        agent = new NodeAgent(paths, AskAsync, new GateServer(paths, pods, policies, loggers.CreateLogger<GateServer>()), policies,
            cluster.OwnNode, time, loggers.CreateLogger<NodeAgent>());
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Until then a kubelet could only ask for it, and would take from it the CPU that it needs to start.
        await cluster.ApiServerAsync(cancellationToken).ConfigureAwait(false);
        await agent.RunAsync(new NodeSettings { Name = machine.Id, Cluster = cluster.Describe(), Taints = [ControlPlane],
            ReservedMemoryBytes = ServicesMemory }, cancellationToken).ConfigureAwait(false);
    }

    private Task<IReadOnlyDictionary<string, byte[]>> AskAsync(
        IReadOnlyDictionary<string, byte[]> requests, CancellationToken cancellationToken)
    {
        try { return Task.FromResult(cluster.Issue(machine.Id, settings.Address.ToString(),
            new IssueNodeCertificates { Requests = requests }).Certificates); }
        catch (CryptographicException e) { throw new NodeException(e.Message, e); }
    }
}

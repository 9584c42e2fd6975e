using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Operos.ControlPlane.Configuration;
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

    private static readonly TimeSpan Again = TimeSpan.FromSeconds(5);
    private const int Tries = 6;
    private readonly NodePaths paths;
    private readonly KubernetesCluster cluster;
    private readonly MachineRecord machine;
    private readonly ControllerSettings settings;
    private readonly NodeAgent agent;
    private readonly ILogger logger;

    /// <param name="state">What outlives a boot.</param>
    public ControllerNode(KubernetesCluster cluster, MachineRecord machine, ControllerSettings settings, string state, TimeProvider time,
        ILoggerFactory loggers)
    {
        (this.cluster, this.machine, this.settings) = (cluster, machine, settings);
        logger = loggers.CreateLogger<ControllerNode>();
        // The control plane's own certificates are in the folder that a worker has for this.
        paths = new NodePaths { Pki = "/run/operos/kubernetes/node-pki", Routes = Path.Combine(state, "node", "routes.json") };
        var pods = new AttachedPods(paths.AttachedPods);
        var policies = new PolicyGate(pods, cluster.OwnNode, loggers.CreateLogger<PolicyGate>());
        agent = new NodeAgent(paths, AskAsync, new GateServer(paths, pods, policies, loggers.CreateLogger<GateServer>()), policies,
            cluster.OwnNode, time, loggers.CreateLogger<NodeAgent>());
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (settings.Kubernetes.Network == PodNetworkProvider.Operos) await RecallRoutesAsync(cancellationToken).ConfigureAwait(false);
        // Until then a kubelet could only ask for it, and would take from it the CPU that it needs to start.
        await cluster.ApiServerAsync(cancellationToken).ConfigureAwait(false);
        await agent.RunAsync(new NodeSettings { Name = machine.Id, Cluster = cluster.Describe(), Taints = [ControlPlane],
            ReservedMemoryBytes = ServicesMemory }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Pods ask the name server before the API server tells where they are, and when it does not.</summary>
    private async Task RecallRoutesAsync(CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await agent.RecallRoutesAsync(settings.Kubernetes.PodNetwork, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (e is NodeException or IOException)
            {
                if (tries == 1) logger.RoutesNotRecalled(e.Message);
                if (tries == Tries) return;
            }
            // The address may not be there yet.
            await Task.Delay(Again, cancellationToken).ConfigureAwait(false);
        }
    }

    private Task<IReadOnlyDictionary<string, byte[]>> AskAsync(
        IReadOnlyDictionary<string, byte[]> requests, CancellationToken cancellationToken)
    {
        try { return Task.FromResult(cluster.Issue(machine.Id, settings.Address.ToString(),
            new IssueNodeCertificates { Requests = requests }).Certificates); }
        catch (CryptographicException e) { throw new NodeException(e.Message, e); }
    }
}

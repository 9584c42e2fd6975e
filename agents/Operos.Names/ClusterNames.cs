using k8s.Models;

namespace Operos.Names;

/// <summary>
/// What has names now: the services, endpoints and pods of the API, the machines of the registry. Whoever watches the API fills
/// it; of Endpoints and EndpointSlices one is enough, and the first is what every version has.
/// </summary>
public sealed class ClusterNames
{
    private readonly Lock gate = new();
    private IReadOnlyList<MachineName> machines = [];

    public ClusterNames()
    {
        Services = new(gate, service => KubernetesObjects.Read(service) is { } names ? [names] : [], RaiseChanged);
        Endpoints = new(gate, KubernetesObjects.Read, RaiseChanged);
        EndpointSlices = new(gate, KubernetesObjects.Read, RaiseChanged);
        Pods = new(gate, pod => KubernetesObjects.Read(pod) is { } names ? [names] : [], RaiseChanged);
    }

    internal ObjectNames<V1Service, ServiceNames> Services { get; }
    internal ObjectNames<V1Endpoints, EndpointGroup> Endpoints { get; }
    internal ObjectNames<V1EndpointSlice, EndpointGroup> EndpointSlices { get; }
    internal ObjectNames<V1Pod, PodAddresses> Pods { get; }

    /// <summary>Raised after each change, on the thread that made it.</summary>
    public event Action? Changed;

    internal NameSnapshot Snapshot
    {
        get { lock (gate) return new(Services.List(), [.. Endpoints.List(), .. EndpointSlices.List()], Pods.List(), machines); }
    }

    public void SetMachines(IReadOnlyList<MachineName> all)
    {
        lock (gate)
        {
            if (machines.SequenceEqual(all)) return;
            machines = all;
        }
        RaiseChanged();
    }

    private void RaiseChanged() => Changed?.Invoke();
}

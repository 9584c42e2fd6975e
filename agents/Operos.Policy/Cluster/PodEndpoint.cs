using Operos.Kubernetes.Objects;
using Operos.Policy.Addresses;
using Operos.Policy.Policies;

namespace Operos.Policy.Cluster;

/// <summary>A container port that has a name.</summary>
internal readonly record struct NamedPort(Protocol Protocol, string Name, int Number);

/// <summary>What matters of a pod to policies.</summary>
internal sealed class PodEndpoint
{
    private static readonly Dictionary<string, string?> NoLabels = [];

    private PodEndpoint(ObjectKey key, PodObject pod)
    {
        Key = key;
        Uid = pod.Metadata?.Uid;
        NodeName = pod.Spec?.NodeName;
        Labels = pod.Metadata?.Labels ?? NoLabels;
        Created = pod.Metadata?.CreationTimestamp ?? DateTime.MinValue;
        Ports = [.. ContainersOf(pod).SelectMany(container => container?.Ports ?? []).Select(Named).OfType<NamedPort>().Distinct()];
    }

    public ObjectKey Key { get; }
    public string? Uid { get; }
    public string? NodeName { get; }
    public IReadOnlyDictionary<string, string?> Labels { get; }
    public DateTime Created { get; }
    public IReadOnlyList<NamedPort> Ports { get; }

    /// <summary>From the pod's status; what the pod network assigned on this node comes before it.</summary>
    public IReadOnlyList<PodAddress> Addresses { get; private init; } = [];

    /// <summary>What the status holds and is no address.</summary>
    public IReadOnlyList<string> BadAddresses { get; private init; } = [];

    /// <summary>Null for a pod to which policies do not speak: one on the host's network, or one that has ended.</summary>
    public static PodEndpoint? Read(ObjectKey key, PodObject pod)
    {
        if (pod.Spec?.HostNetwork == true || pod.Status?.Phase is "Succeeded" or "Failed") return null;
        var texts = (pod.Status?.PodIPs is { Count: > 0 } all ? all.Select(item => item?.Ip) : [pod.Status?.PodIP])
            .Where(text => !string.IsNullOrEmpty(text)).ToList();
        return new PodEndpoint(key, pod)
        {
            Addresses = [.. texts.Select(text => PodAddress.TryParse(text, out var address) ? address : (PodAddress?)null)
                .OfType<PodAddress>().Distinct()],
            BadAddresses = [.. texts.Where(text => !PodAddress.TryParse(text, out _)).OfType<string>()],
        };
    }

    /// <summary>Whether the two are the same to every policy.</summary>
    public static bool IsSame(PodEndpoint one, PodEndpoint other) =>
        one.Key == other.Key && one.Uid == other.Uid && one.NodeName == other.NodeName && one.Created == other.Created
        && one.Addresses.SequenceEqual(other.Addresses) && one.BadAddresses.SequenceEqual(other.BadAddresses)
        && one.Ports.SequenceEqual(other.Ports) && LabelSet.IsSame(one.Labels, other.Labels);

    /// <summary>Containers that serve: a sidecar is an init container that is restarted always (Kubernetes 1.28).</summary>
    private static IEnumerable<PodContainer?> ContainersOf(PodObject pod) =>
        (pod.Spec?.Containers ?? []).Concat((pod.Spec?.InitContainers ?? []).Where(container => container?.RestartPolicy == "Always"));

    private static NamedPort? Named(ContainerPort? port) =>
        port is { Name.Length: > 0 } && Protocols.TryParse(port.Protocol, out var protocol)
            && port.Number is > 0 and <= 65535 and var number
            ? new NamedPort(protocol, port.Name, number) : null;
}

using System.Net;
using Operos.Kubernetes.Objects;
using Operos.Policy.Addresses;
using Operos.Policy.Policies;

namespace Operos.Policy.Cluster;

/// <summary>
/// The pods, namespaces and policies of the cluster as the caller's watch tells of them, in a form that compiles fast. An object that is
/// set again replaces what was known of it. Not for several threads at once.
/// </summary>
public sealed class ClusterView(PolicyLimits? limits = null)
{
    private readonly Dictionary<string, Dictionary<string, PodEndpoint>> pods = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyDictionary<string, string?>> namespaces = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedDictionary<string, Policies.Policy>> policies = new(StringComparer.Ordinal);
    private readonly Dictionary<ObjectKey, Assignment> assignments = [];

    /// <summary>What the pod network of this node gave a pod; uid null where it did not say which of that name.</summary>
    private sealed record Assignment(string? Uid, IReadOnlyList<PodAddress> Addresses);

    internal PolicyLimits Limits { get; } = limits ?? new PolicyLimits();

    public int PodCount => pods.Values.Sum(group => group.Count);
    public int PolicyCount => policies.Values.Sum(group => group.Count);

    public void Set(PodObject pod)
    {
        var key = KeyOf(pod.Metadata);
        if (PodEndpoint.Read(key, pod) is { } endpoint) Set(endpoint);
        else RemovePod(key);
    }

    public void Set(NamespaceObject item)
    {
        if (NamespaceLabels.Read(item) is { } read) namespaces[read.Name] = read.Labels;
    }

    public void Set(NetworkPolicyObject policy) => Set(PolicyReader.Read(KeyOf(policy.Metadata), policy, Limits));

    public void RemovePod(ObjectKey pod) => Remove(pods, pod);

    public void RemoveNamespace(string name) => namespaces.Remove(name);

    public void RemovePolicy(ObjectKey policy) => Remove(policies, policy);

    /// <summary>All pods: those that are not among them are gone. The same for the other two.</summary>
    internal void ReplacePods(IEnumerable<PodEndpoint> items)
    {
        pods.Clear();
        foreach (var pod in items) Set(pod);
    }

    /// <inheritdoc cref="ReplacePods"/>
    internal void ReplaceNamespaces(IEnumerable<NamespaceLabels> items)
    {
        namespaces.Clear();
        foreach (var item in items) namespaces[item.Name] = item.Labels;
    }

    /// <inheritdoc cref="ReplacePods"/>
    internal void ReplacePolicies(IEnumerable<Policies.Policy> items)
    {
        policies.Clear();
        foreach (var policy in items) Set(policy);
    }

    /// <summary>
    /// The pod network gave a pod its addresses: from now on they are that pod's, whatever its status says, and nobody else's. The pod
    /// itself may be known before or after. Holds until <see cref="Release"/>.
    /// </summary>
    /// <param name="uid">The pod's UID, so that a namesake before it is not taken for it; null if the pod network does not know.</param>
    public void Assign(ObjectKey pod, string? uid, IEnumerable<IPAddress> addresses) =>
        assignments[pod] = new Assignment(uid, [.. addresses.Select(PodAddress.Of)]);

    /// <summary>The pod network took the addresses back. A release that names another UID is late, and ignored.</summary>
    public void Release(ObjectKey pod, string? uid)
    {
        if (assignments.TryGetValue(pod, out var known) && (uid is null || known.Uid is null || known.Uid == uid)) assignments.Remove(pod);
    }

    internal IEnumerable<PodEndpoint> Pods => pods.Values.SelectMany(group => group.Values);

    internal IEnumerable<PodEndpoint> PodsOf(string name) => pods.TryGetValue(name, out var group) ? group.Values : [];

    internal IEnumerable<KeyValuePair<string, IReadOnlyDictionary<string, string?>>> Namespaces => namespaces;

    /// <summary>A namespace's policies, by name.</summary>
    internal IEnumerable<Policies.Policy> PoliciesOf(string name) => policies.TryGetValue(name, out var group) ? group.Values : [];

    internal IEnumerable<Policies.Policy> Policies => policies.Values.SelectMany(group => group.Values);

    /// <summary>Who owns which address; of two that claim one, the pod that the network assigned it to, then the younger.</summary>
    internal Dictionary<PodAddress, PodEndpoint> OwnersOfAddresses()
    {
        var owners = new Dictionary<PodAddress, PodEndpoint>();
        var assigned = new HashSet<PodAddress>();
        foreach (var (key, assignment) in assignments)
        {
            foreach (var address in assignment.Addresses) assigned.Add(address);
            if (!pods.TryGetValue(key.Namespace, out var group) || !group.TryGetValue(key.Name, out var pod)
                || (assignment.Uid is not null && assignment.Uid != pod.Uid)) continue;
            foreach (var address in assignment.Addresses) owners[address] = pod;
        }
        foreach (var pod in Pods)
        {
            if (assignments.TryGetValue(pod.Key, out var own) && (own.Uid is null || own.Uid == pod.Uid)) continue;
            foreach (var address in pod.Addresses)
                if (!assigned.Contains(address)
                    && (!owners.TryGetValue(address, out var other) || IsYounger(pod, other))) owners[address] = pod;
        }
        return owners;
    }

    private static bool IsYounger(PodEndpoint pod, PodEndpoint other) =>
        pod.Created != other.Created ? pod.Created > other.Created : pod.Key.CompareTo(other.Key) > 0;

    internal static ObjectKey KeyOf(ObjectMeta? metadata) => new(metadata?.Namespace ?? "default", metadata?.Name ?? "");

    private void Set(PodEndpoint pod) => Group(pods, pod.Key.Namespace)[pod.Key.Name] = pod;

    private void Set(Policies.Policy policy) => Group(policies, policy.Key.Namespace)[policy.Key.Name] = policy;

    private static T Group<T>(Dictionary<string, T> groups, string name) where T : new() =>
        groups.TryGetValue(name, out var group) ? group : groups[name] = new T();

    private static void Remove<TGroup, TItem>(Dictionary<string, TGroup> groups, ObjectKey key) where TGroup : IDictionary<string, TItem>
    {
        if (groups.TryGetValue(key.Namespace, out var group) && group.Remove(key.Name) && group.Count == 0) groups.Remove(key.Namespace);
    }

    private static void Remove(Dictionary<string, Dictionary<string, PodEndpoint>> groups, ObjectKey key) =>
        Remove<Dictionary<string, PodEndpoint>, PodEndpoint>(groups, key);

    private static void Remove(Dictionary<string, SortedDictionary<string, Policies.Policy>> groups, ObjectKey key) =>
        Remove<SortedDictionary<string, Policies.Policy>, Policies.Policy>(groups, key);
}

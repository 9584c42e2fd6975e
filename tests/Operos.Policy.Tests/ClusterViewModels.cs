using k8s.Models;
using Operos.Lab;
using Operos.Policy.Cluster;
using Operos.Policy.Policies;

namespace Operos.Policy.Tests;

/// <summary>A view of objects made with the client library's types.</summary>
internal static class ClusterViewModels
{
    public static void Set(this ClusterView view, V1Pod pod) => view.Set(pod.Read());
    public static void Set(this ClusterView view, V1NetworkPolicy policy) => view.Set(policy.Read());

    public static void ReplacePods(this ClusterView view, IEnumerable<V1Pod> pods) =>
        view.ReplacePods(pods.Select(pod => pod.Read()).Select(pod => PodEndpoint.Read(ClusterView.KeyOf(pod.Metadata), pod))
            .OfType<PodEndpoint>());

    public static void ReplaceNamespaces(this ClusterView view, IEnumerable<V1Namespace> items) =>
        view.ReplaceNamespaces(items.Select(item => NamespaceLabels.Read(item.Read())).OfType<NamespaceLabels>());

    public static void ReplacePolicies(this ClusterView view, IEnumerable<V1NetworkPolicy> policies) =>
        view.ReplacePolicies(policies.Select(policy => policy.Read())
            .Select(policy => PolicyReader.Read(ClusterView.KeyOf(policy.Metadata), policy, view.Limits)));
}

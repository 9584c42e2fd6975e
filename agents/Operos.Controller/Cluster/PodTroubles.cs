using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Cluster;

/// <summary>Pods that should run and do not, as the API server tells them.</summary>
internal sealed class PodTroubles(ApiClient client)
{
    private const int Most = 100;

    // A pod that is as it should be is not kept: of thousands there are few.
    private readonly WatchCache<PodObject, PodTrouble> cache =
        new(client, Resources.Pods, Read, IsSame, new WatchOptions { Fields = "status.phase!=Succeeded" });

    public Task RunAsync(CancellationToken cancellationToken) => cache.RunAsync(cancellationToken);

    /// <summary>Of one node or of all, by name; none before the API server has told its pods.</summary>
    public IReadOnlyList<PodTrouble> Of(string? node) => [.. cache.Snapshot.Items.Where(pod => node is null || pod.Node == node)
        .OrderBy(pod => pod.Namespace, StringComparer.Ordinal).ThenBy(pod => pod.Name, StringComparer.Ordinal).Take(Most)];

    private static PodTrouble? Read(PodObject pod) => Explain(pod) is not { } why ? null : new PodTrouble
    {
        Namespace = pod.Metadata?.Namespace ?? "default", Name = pod.Metadata?.Name ?? "", Node = pod.Spec?.NodeName, Text = why,
    };

    private static bool IsSame(PodTrouble one, PodTrouble other) =>
        (one.Namespace, one.Name, one.Node, one.Text) == (other.Namespace, other.Name, other.Node, other.Text);

    /// <summary>Null where the pod is as it should be.</summary>
    internal static string? Explain(PodObject pod)
    {
        foreach (var container in (pod.Status?.InitContainerStatuses).Present().Concat((pod.Status?.ContainerStatuses).Present()))
            if (container.State?.Waiting is { } waiting
                && waiting.Reason is not ("PodInitializing" or "ContainerCreating" or null)) return Join(waiting.Reason!, waiting.Message
                ?? container.LastState?.Terminated?.Reason);
        if (pod.Metadata?.DeletionTimestamp is not null) return null;
        var failing = (pod.Status?.Conditions).Present().FirstOrDefault(condition => condition.Status == "False"
            && condition.Type is "PodScheduled");
        return pod.Status?.Phase switch
        {
            "Running" => null,
            "Pending" when failing is not null => Join(failing.Reason ?? "Pending", failing.Message),
            var phase => Join(phase ?? "Unknown", pod.Status?.Message ?? pod.Status?.Reason),
        };
    }

    /// <summary>Whoever may make a pod, and the registry that its images are asked of, choose the words.</summary>
    private static string Join(string reason, string? message) =>
        PrintableText.Line(string.IsNullOrWhiteSpace(message) ? reason : $"{reason}: {message}", MachineWords.LongestText) ?? "Unknown";
}

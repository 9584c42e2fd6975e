using k8s.Models;
using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Cluster;

/// <summary>Pods that should run and do not, asked of the API server when somebody wants to know.</summary>
internal static class PodTroubles
{
    private const int Most = 100;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Of one node or of all; none where the API server does not answer in time.</summary>
    public static async Task<IReadOnlyList<PodTrouble>> FindAsync(ApiClient client, string? node, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            var pods = await client.ListAsync(Resources.Pods, deadline.Token, fields: "status.phase!=Succeeded" + (node is null ? "" : $",spec.nodeName={node}")).ConfigureAwait(false);
            return [.. pods.Select(pod => (Pod: pod, Why: Explain(pod))).Where(pair => pair.Why is not null).Take(Most).Select(pair => new PodTrouble
            {
                Namespace = pair.Pod.Metadata.NamespaceProperty, Name = pair.Pod.Metadata.Name, Node = pair.Pod.Spec?.NodeName, Text = pair.Why!,
            })];
        }
        catch (Exception e) when (e is ApiException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)) { return []; }
    }

    /// <summary>Null where the pod is as it should be.</summary>
    internal static string? Explain(V1Pod pod)
    {
        foreach (var container in (pod.Status?.InitContainerStatuses ?? []).Concat(pod.Status?.ContainerStatuses ?? []))
            if (container.State?.Waiting is { } waiting && waiting.Reason is not ("PodInitializing" or "ContainerCreating" or null)) return Join(waiting.Reason, waiting.Message ?? container.LastState?.Terminated?.Reason);
        if (pod.Metadata.DeletionTimestamp is not null) return null;
        var failing = pod.Status?.Conditions?.FirstOrDefault(condition => condition.Status == "False" && condition.Type is "PodScheduled");
        return pod.Status?.Phase switch
        {
            "Running" => null,
            "Pending" when failing is not null => Join(failing.Reason, failing.Message),
            var phase => Join(phase ?? "Unknown", pod.Status?.Message ?? pod.Status?.Reason),
        };
    }

    /// <summary>Whoever may make a pod, and the registry that its images are asked of, choose the words.</summary>
    private static string Join(string reason, string? message) =>
        PrintableText.Line(string.IsNullOrWhiteSpace(message) ? reason : $"{reason}: {message}", MachineWords.LongestText) ?? "Unknown";
}

using Operos.ControlPlane.Components;
using Operos.Controller.Machines;
using Operos.Kubernetes.Objects;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Cluster;

/// <summary>Says in words what keeps a machine from being Ready: the first step on its way that is not done.</summary>
internal static class MachineExplainer
{
    /// <param name="connected">Whether its agent is.</param>
    /// <param name="reported">How far its agent says that it is.</param>
    /// <param name="apiServer">The API server's health; null where it was not asked yet.</param>
    /// <param name="node">The machine's Node; null where there is none.</param>
    public static MachineExplanation Explain(MachineRecord record, string? note, bool connected, IReadOnlyList<NodeStep> reported,
        ComponentHealth? apiServer, NodeObject? node, IReadOnlyList<PodTrouble> pods)
    {
        var steps = new List<NodeStep> { Admission(record, note) };
        if (record.Kind == "worker")
            steps.Add(new NodeStep { Name = "connected", Done = connected, Text = connected
            ? "" : "its agent is not connected: powered off, booting, or cut off; see its console",
            SinceUnixMs = record.LastSeen.ToUnixTimeMilliseconds() });
        steps.AddRange(reported);
        steps.Add(new NodeStep { Name = "api-server", Done = apiServer?.Healthy == true, Text = apiServer is { Healthy: false }
            ? apiServer.Text : "", SinceUnixMs = apiServer?.Since.ToUnixTimeMilliseconds() ?? 0 });
        steps.Add(new NodeStep { Name = "registered", Done = node is not null, Text = node is null
            ? "the API server has no Node of this name: its kubelet has not registered" : "",
            SinceUnixMs = Unix(node?.Metadata?.CreationTimestamp) });
        var condition = node is null ? null : NodeRoster.ReadyCondition(node);
        var notReady = condition is null ? "its kubelet has not reported yet" : condition.Status == "True" ? "" : Said(condition);
        if (node is not null) steps.Add(new NodeStep { Name = "ready", Done = condition?.Status == "True", Text = notReady,
            SinceUnixMs = Unix(condition?.LastTransitionTime) });
        if (node?.Status?.Conditions is { } conditions)
            steps.AddRange(conditions.Present().Where(other => other.Type != "Ready" && other.Status == "True").Select(other => new NodeStep
            {
                Name = PrintableText.Line(other.Type) ?? "unnamed", Done = false, Text = Said(other),
                SinceUnixMs = Unix(other.LastTransitionTime),
            }));
        return new MachineExplanation { Id = record.Id, Ready = condition?.Status == "True" && (connected || record.Kind == "controller"),
            Steps = steps, Text = Words(record, steps, node, pods) };
    }

    /// <summary>A kubelet's own words.</summary>
    internal static string Said(ObjectCondition condition) =>
        PrintableText.Line($"{condition.Reason}: {condition.Message}", MachineWords.LongestText)!;

    private static string Words(MachineRecord record, List<NodeStep> steps, NodeObject? node, IReadOnlyList<PodTrouble> pods)
    {
        var name = record.Name ?? record.Id;
        if (steps.Find(step => !step.Done) is { } stuck)
            return $"{name} is held up at step '{stuck.Name}'{(stuck.Text.Length > 0 ? $": {stuck.Text}" : "")}";
        var cordoned = node?.Spec?.Unschedulable == true ? $", but takes no new pods: kubectl uncordon {record.Id}" : "";
        return pods.Count == 0 ? $"{name} is Ready{cordoned}"
            : $"{name} is Ready{cordoned}; {pods.Count} of its pods do not run, such as {pods[0].Namespace}/{pods[0].Name}: {pods[0].Text}";
    }

    private static NodeStep Admission(MachineRecord record, string? note) => new()
    {
        Name = "admitted",
        Done = record.Standing == MachineStanding.Admitted,
        Text = record.Standing switch
        {
            MachineStanding.Admitted => "",
            MachineStanding.Rejected => $"an operator rejected it; to let it in: operosctl machines approve {record.Id}",
            _ => $"it waits for an operator: {note}",
        },
        SinceUnixMs = record.FirstSeen.ToUnixTimeMilliseconds(),
    };

    private static long Unix(DateTime? time) => time is { } at ? new DateTimeOffset(at.ToUniversalTime()).ToUnixTimeMilliseconds() : 0;
}

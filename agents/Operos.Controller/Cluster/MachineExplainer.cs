using Operos.ControlPlane.Components;
using Operos.Controller.Machines;
using Operos.Kubernetes.Objects;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Cluster;

/// <summary>Says in words what keeps a machine from being Ready: the first step on its way that is not done.</summary>
internal static class MachineExplainer
{
    private const string NotReported = "its kubelet has not reported yet";

    /// <param name="connected">Whether its agent is.</param>
    /// <param name="reported">How far its agent says that it is.</param>
    /// <param name="apiServer">The API server's health; null where it was not asked yet.</param>
    /// <param name="node">The machine's Node; null where there is none.</param>
    /// <param name="goingDown">Why it is not Ready whatever its kubelet said last, such as <c>rebooting</c>.</param>
    public static MachineExplanation Explain(MachineRecord record, string? note, bool connected, IReadOnlyList<NodeStep> reported,
        ComponentHealth? apiServer, NodeObject? node, IReadOnlyList<PodTrouble> pods, string? goingDown = null)
    {
        var condition = node is null ? null : NodeReconciler.ReadyCondition(node);
        var ready = condition?.Status == "True" && goingDown is null;
        var steps = new List<NodeStep> { Admission(record, note) };
        if (goingDown is not null) steps.Add(Step("up", done: false, goingDown, record.LastSeen.ToUnixTimeMilliseconds()));
        if (record.Kind == "worker") steps.Add(Connection(record, connected));
        steps.AddRange(reported);
        steps.Add(Step("api-server", apiServer?.Healthy == true, apiServer?.Text, apiServer?.Since.ToUnixTimeMilliseconds() ?? 0));
        steps.Add(Step("registered", node is not null, "the API server has no Node of this name: its kubelet has not registered",
            Unix(node?.Metadata?.CreationTimestamp)));
        if (node is not null)
            steps.Add(Step("ready", ready, goingDown ?? NotReady(condition), Unix(condition?.LastTransitionTime)));
        steps.AddRange(Troubles(node));
        return new MachineExplanation
        {
            Id = record.Id,
            Ready = ready && (connected || record.Kind == "controller"),
            Steps = steps,
            Text = goingDown is null ? Words(record, steps, node, pods) : $"{record.Name ?? record.Id} is {goingDown}",
        };
    }

    /// <summary>
    /// Why what a Node says is not true any more: a kubelet said it in a boot of the machine that is over; null where that is not so.
    /// </summary>
    /// <param name="boot">The boot that the machine is in; null where nobody knows.</param>
    public static string? OfAnotherBoot(NodeObject? node, string? boot) =>
        node?.Status?.NodeInfo?.BootID is { Length: > 0 } said && !string.IsNullOrEmpty(boot) && said != boot
            ? "up again: its kubelet has not reported in this boot" : null;

    /// <summary>What keeps a Node from being Ready in the boot that its machine is in; null where it is.</summary>
    /// <param name="boot">That boot; null where nobody knows, and the Node's word is of none.</param>
    public static string? NotReady(NodeObject node, string? boot) => string.IsNullOrEmpty(boot) ? "its agent is not connected"
        : string.IsNullOrEmpty(node.Status?.NodeInfo?.BootID) ? NotReported
        : OfAnotherBoot(node, boot) ?? NotReady(NodeReconciler.ReadyCondition(node));

    /// <param name="condition">A node's Ready.</param>
    private static string? NotReady(ObjectCondition? condition) =>
        condition is null ? NotReported : condition.Status == "True" ? null : Said(condition);

    private static NodeStep Connection(MachineRecord record, bool connected) => Step("connected", connected,
        record.Standing == MachineStanding.Admitted ? "its agent is not connected: powered off, booting, or cut off; see its console"
            : "comes after 'admitted'", record.LastSeen.ToUnixTimeMilliseconds());

    /// <summary>Conditions other than Ready, each of which says that something is wrong where it is true, such as DiskPressure.</summary>
    private static IEnumerable<NodeStep> Troubles(NodeObject? node) => (node?.Status?.Conditions).Present()
        .Where(condition => condition.Type != "Ready" && condition.Status == "True")
        .Select(condition => Step(PrintableText.Line(condition.Type) ?? "unnamed", done: false,
            Said(condition) + WayOut(condition.Type), Unix(condition.LastTransitionTime)));

    /// <summary>What its kubelet does about it, and what an operator can do; a kubelet's words say neither.</summary>
    private static string WayOut(string? condition) => condition switch
    {
        "DiskPressure" => "; images, logs and what pods write have nearly filled their disk (RAM where there is none): the kubelet removes "
            + "images, evicts pods and takes no new ones until there is room; end what fills it, or give the machine a larger disk: "
            + "operosctl disks list",
        "MemoryPressure" => "; the kubelet evicts pods until there is memory: lower their number or their limits",
        _ => "",
    };

    /// <param name="problem">Why the step is not done; not told of one that is.</param>
    private static NodeStep Step(string name, bool done, string? problem, long since) =>
        new() { Name = name, Done = done, Text = done ? "" : problem ?? "", SinceUnixMs = since };

    /// <summary>A kubelet's own words.</summary>
    internal static string Said(ObjectCondition condition) =>
        PrintableText.Line($"{condition.Reason}: {condition.Message}", MachineWords.LongestText)!;

    private static string Words(MachineRecord record, List<NodeStep> steps, NodeObject? node, IReadOnlyList<PodTrouble> pods)
    {
        var name = record.Name ?? record.Id;
        if (steps.Find(step => !step.Done) is { } stuck)
            return $"{name} is held up at step '{stuck.Name}'{(stuck.Text.Length > 0 ? $": {stuck.Text}" : "")}";
        var cordoned = node?.Spec?.Unschedulable == true ? $", but takes no new pods: operosctl machines uncordon {record.Id}" : "";
        return pods.Count == 0 ? $"{name} is Ready{cordoned}"
            : $"{name} is Ready{cordoned}; {pods.Count} of its pods do not run, such as {pods[0].Namespace}/{pods[0].Name}: {pods[0].Text}";
    }

    private static NodeStep Admission(MachineRecord record, string? note) => Step("admitted",
        record.Standing == MachineStanding.Admitted,
        record.Standing == MachineStanding.Rejected ? $"an operator rejected it; to let it in: operosctl machines approve {record.Id}"
            : $"it waits for an operator: {note}",
        record.FirstSeen.ToUnixTimeMilliseconds());

    private static long Unix(DateTime? time) => time is { } at ? new DateTimeOffset(at.ToUniversalTime()).ToUnixTimeMilliseconds() : 0;
}

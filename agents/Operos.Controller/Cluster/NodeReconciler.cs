using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Linux.Tasks;
using Operos.Release;

namespace Operos.Controller.Cluster;

/// <summary>
/// The Nodes as the API server has them, brought in line with the registry: labels that tell a machine's name, model, rack and release,
/// whether it has disks for volumes, and no Node of a machine that was removed, nor one of a stranger behind which there is no kubelet.
/// One whose record cannot be read keeps its Node, and so does one that runs and that the registry does not know: the registry may be
/// older than the cluster.
/// </summary>
internal sealed class NodeReconciler(ApiClient client, MachineRegistry registry, Sessions sessions,
    ILogger<NodeReconciler> logger)
{
    private const string FieldManager = "operos-machines", Domain = "operos.io/";

    /// <summary>Of a Node on whose machine volumes of the class <c>operos-local</c> can be made.</summary>
    private const string VolumesLabel = Domain + "local-volumes";
    private static readonly TimeSpan Check = TimeSpan.FromSeconds(3), Retry = TimeSpan.FromSeconds(30);
    private readonly WatchCache<NodeObject, NodeObject> nodes =
        new(client, Resources.Nodes, node => node, (one, other) => one.Metadata?.ResourceVersion == other.Metadata?.ResourceVersion);
    private readonly Dictionary<string, (string Uid, string Labels)> applied = new(StringComparer.Ordinal);
    private readonly Dictionary<string, bool> hasVolumes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTime> failed = new(StringComparer.Ordinal);

    public IReadOnlyList<NodeObject> Nodes => nodes.Snapshot.Items;

    /// <summary>Whether the API server has told all Nodes once; before, one that is absent means nothing.</summary>
    public bool IsComplete => nodes.Snapshot.IsComplete;

    /// <summary>Nodes that look like machines' and are of none that the registry knows.</summary>
    public IEnumerable<string> Unknown => Nodes.Select(node => node.Metadata!.Name!)
        .Where(name => Guid.TryParse(name, out _) && !registry.Knows(name) && !registry.WasRemoved(name));

    /// <summary>Whether a machine that is not admitted keeps its Node.</summary>
    private bool Keeps(string name, NodeObject node) =>
        !registry.WasRemoved(name) && (registry.IsUnreadable(name) || ReadyCondition(node) is not null);

    public NodeObject? Get(string name) => Nodes.FirstOrDefault(node => node.Metadata!.Name == name);

    public Task RunAsync(CancellationToken cancellationToken) =>
        TaskGroup.RunAsync(cancellationToken, new("watch", nodes.RunAsync), new("labels", ReconcileAsync));

    /// <summary>The node's condition Ready; null where the kubelet has not reported yet.</summary>
    public static ObjectCondition? ReadyCondition(NodeObject node) =>
        (node.Status?.Conditions).Present().FirstOrDefault(condition => condition.Type == "Ready");

    private async Task ReconcileAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (var node in Nodes)
            {
                // Our machines' Nodes are named by UUIDs; what is named otherwise is somebody else's.
                if (node.Metadata is not { Name: { } name } || !Guid.TryParse(name, out _)
                    || failed.GetValueOrDefault(name) > DateTime.UtcNow) continue;
                try { await ReconcileAsync(name, node, cancellationToken).ConfigureAwait(false); }
                catch (ApiException e)
                {
                    failed[name] = DateTime.UtcNow + Retry;
                    logger.NodeNotInLine(name, e.Message);
                }
            }
            await Task.Delay(Check, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ReconcileAsync(string name, NodeObject node, CancellationToken cancellationToken)
    {
        var uid = node.Metadata?.Uid ?? "";
        if (registry.Get(name) is not { Standing: MachineStanding.Admitted } record)
        {
            // A removed machine's certificates live on for a while; its Node does not.
            if (Keeps(name, node)) return;
            if (await client.DeleteAsync(Resources.Nodes.Path(null, name), cancellationToken).ConfigureAwait(false))
                logger.NodeDeleted(name);
            return;
        }
        var labels = Labels(record);
        if (HasVolumes(name, node)) labels[VolumesLabel] = "true";
        var text = string.Join(',', labels.Select(label => $"{label.Key}={label.Value}"));
        if (applied.GetValueOrDefault(name) == (uid, text)) return;
        var metadata = new JsonObject { ["name"] = name, ["uid"] = uid,
            ["labels"] = new JsonObject(labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))) };
        // With its uid given, a Node that is gone meanwhile is not made anew.
        await client.ApplyAsync(Resources.Nodes.Path(null, name),
            new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["metadata"] = metadata }, FieldManager,
            cancellationToken).ConfigureAwait(false);
        applied[name] = (uid, text);
    }

    /// <summary>An agent that is away for a moment keeps pods from no machine.</summary>
    private bool HasVolumes(string machine, NodeObject node)
    {
        if (sessions.Get(machine)?.Last is { } beat) hasVolumes[machine] = beat.VolumeBytes > 0;
        // Of one that has not been heard of since this controller started, what was told before counts.
        return hasVolumes.TryGetValue(machine, out var has) ? has : node.Metadata?.Labels?.ContainsKey(VolumesLabel) == true;
    }

    /// <summary>
    /// The labels of a machine's Node. Operators' labels without a domain get ours, so that <c>rack</c> is <c>operos.io/rack</c>. One that
    /// is none, as an old record may hold it, is left out: the API server would refuse all of them for it.
    /// </summary>
    internal static SortedDictionary<string, string> Labels(MachineRecord record)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in record.Labels.Where(label => LabelSyntax.IsKey(label.Key) && LabelSyntax.IsValue(label.Value)))
            labels[key.Contains('/', StringComparison.Ordinal) ? key : Domain + key] = value;
        labels[record.Kind == "controller" ? "node-role.kubernetes.io/control-plane" : "node-role.kubernetes.io/worker"] = "";
        Put("name", record.Name);
        Put("model", string.Join(' ', new[] { record.Inventory.System.Vendor, record.Inventory.System.Product }.OfType<string>()));
        Put("release", ReadRelease(record));
        return labels;

        void Put(string key, string? value)
        {
            if (LabelSyntax.ToValue(value) is { Length: > 0 } clean) labels[Domain + key] = clean;
        }
    }

    private static string? ReadRelease(MachineRecord record)
    {
        try { return record.BootRecord is null ? null : System.Text.Json.JsonSerializer.Deserialize(
            record.BootRecord, ReleaseJson.Default.BootRecord)?.Release; }
        catch (System.Text.Json.JsonException) { return null; }
    }
}

using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;

namespace Operos.Controller.Cluster;

/// <summary>What provisioners of volumes have in common: whose a claim is, how a volume goes, and where people are told.</summary>
/// <param name="finalizer">What keeps a volume until what it stands for is gone.</param>
/// <param name="component">As which events are told.</param>
internal sealed class Provisioning(ApiClient client, string finalizer, string component)
{
    public const string ProvisionedBy = "pv.kubernetes.io/provisioned-by", OneWriter = "ReadWriteOnce";

    private static readonly string[] WantedBy =
        ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"];

    /// <summary>Whether Kubernetes asks this provisioner for the volume of a claim.</summary>
    public static bool IsAsked(PersistentVolumeClaimObject claim, string provisioner) =>
        claim.Metadata?.Annotations is { } told && WantedBy.Any(key => told.GetValueOrDefault(key) == provisioner);

    public static JsonObject ReferenceTo(ClaimReference claim) => new()
    {
        ["apiVersion"] = "v1", ["kind"] = "PersistentVolumeClaim", ["namespace"] = claim.Namespace, ["name"] = claim.Name,
        ["uid"] = claim.Uid,
    };

    public static JsonObject Annotation(string name, string? value) =>
        new() { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [name] = value } } };

    /// <summary>Takes an annotation away; from a volume that is gone nothing need be taken.</summary>
    public async Task UnmarkAsync(string volume, string annotation, CancellationToken cancellationToken)
    {
        try
        {
            await client.MergeAsync(Resources.PersistentVolumes.Path(null, volume), Annotation(annotation, null), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (ApiException e) when (e.Code == HttpStatusCode.NotFound) { }
    }

    /// <summary>Deletes a volume of which nothing is left.</summary>
    /// <param name="finalizers">All that it has.</param>
    public async Task DeleteAsync(string volume, IReadOnlyList<string> finalizers, CancellationToken cancellationToken)
    {
        await client.DeleteAsync(Resources.PersistentVolumes.Path(null, volume), cancellationToken).ConfigureAwait(false);
        await LetGoAsync(volume, finalizers, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Keeps a volume no longer from going.</summary>
    public async Task LetGoAsync(string volume, IReadOnlyList<string> finalizers, CancellationToken cancellationToken)
    {
        if (!finalizers.Contains(finalizer)) return;
        var others = finalizers.Where(one => one != finalizer).Select(one => (JsonNode?)one);
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray([.. others]) } };
        try
        {
            await client.MergeAsync(Resources.PersistentVolumes.Path(null, volume), patch, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.Code == HttpStatusCode.NotFound) { }
    }

    /// <summary>Tells it where who made the claim looks: kubectl describe.</summary>
    /// <param name="reason">In a word, such as <c>ProvisioningFailed</c>.</param>
    public async Task TellAsync(ClaimReference claim, string reason, string message, CancellationToken cancellationToken)
    {
        if (claim is not { Namespace.Length: > 0, Name.Length: > 0 }) return;
        var now = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        await client.CreateAsync($"/api/v1/namespaces/{claim.Namespace}/events", new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "Event",
            ["metadata"] = new JsonObject { ["generateName"] = $"{component}.", ["namespace"] = claim.Namespace },
            ["involvedObject"] = ReferenceTo(claim),
            ["reason"] = reason, ["message"] = message, ["type"] = "Warning", ["count"] = 1,
            ["firstTimestamp"] = now, ["lastTimestamp"] = now, ["source"] = new JsonObject { ["component"] = component },
        }, cancellationToken).ConfigureAwait(false);
    }
}

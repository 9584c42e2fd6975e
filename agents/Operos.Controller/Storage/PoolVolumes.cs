using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Ceph.Pools;
using Operos.Controller.Cluster;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Linux.Ceph;
using Operos.Linux.Tasks;

namespace Operos.Controller.Storage;

/// <summary>
/// Makes the volumes of the class <c>operos</c> as images of the pool, grows them with their claims, and removes those whose claims are
/// gone. The API server has the PersistentVolume first, under the name that the image will have, with a note that there is none yet and a
/// finalizer: whatever is cut, an image has a volume, which makes or removes it when this goes on, and no volume goes before its image.
/// The other way round an image whose claim is deleted meanwhile would be nobody's.
/// </summary>
/// <param name="whoHas">Who has a volume staged, in words; null where nobody has.</param>
internal sealed class PoolVolumes(ApiClient client, CephMonitor ceph, Func<string, string?> whoHas, ILogger logger)
{
    private const string Finalizer = "operos.io/rbd-volume", MakingFailed = "ProvisioningFailed", GrowingFailed = "VolumeResizeFailed";
    private static readonly TimeSpan Check = TimeSpan.FromSeconds(1), ListedAgain = TimeSpan.FromSeconds(15);

    private readonly WatchCache<PersistentVolumeClaimObject, PoolClaim> claims =
        new(client, Resources.PersistentVolumeClaims, PoolClaim.Read);
    private readonly WatchCache<PersistentVolumeObject, PoolVolume> volumes =
        new(client, Resources.PersistentVolumes, PoolVolume.Read, PoolVolume.AreSame);
    private readonly Provisioning provisioning = new(client, Finalizer, PoolVolume.Driver);
    /// <summary>Of both tasks: no image is made of a volume while it is removed.</summary>
    private readonly VolumeAttempts attempts = new(logger);
    private volatile IReadOnlyList<string> images = [];

    /// <summary>All that the API server has, as it told last.</summary>
    public IReadOnlyList<PoolVolume> All => volumes.Snapshot.Items;

    /// <summary>
    /// Images that no volume has, as Ceph told last: somebody kept what was in them, or they are younger than what the API server knows.
    /// </summary>
    public IEnumerable<string> Unclaimed => volumes.Snapshot is { Version: > 0 } known
        ? images.Except(known.Items.Select(volume => volume.Name)) : [];

    /// <summary>Why <see cref="All"/> may be old, or is not known; null where it is of now.</summary>
    public string? Trouble => volumes.Snapshot is { Version: 0, Problem: null } ? "the API server has not told yet which volumes there are"
        : volumes.Snapshot.Problem;

    /// <summary>What keeps a volume from what is to become of it; null where nothing does.</summary>
    public string? WhyNot(string volume) => attempts.WhyNot(volume);

    /// <summary>Removing may take long: what is to be made does not wait for it.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using PoolImages making = ceph.OpenImages(), removing = ceph.OpenImages();
        await TaskGroup.RunAsync(cancellationToken, new("claims", claims.RunAsync), new("volumes", volumes.RunAsync),
            new("making", token => EverAgainAsync(() => MakeAllAsync(making, token), Check, token)),
            new("removing", token => EverAgainAsync(() => RemoveAllAsync(removing, token), Check, token)),
            new("images", token => EverAgainAsync(() => ListAsync(making, token), ListedAgain, token))).ConfigureAwait(false);
    }

    private static async Task EverAgainAsync(Func<Task> pass, TimeSpan pause, CancellationToken cancellationToken)
    {
        while (true)
        {
            await pass().ConfigureAwait(false);
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ListAsync(PoolImages of, CancellationToken cancellationToken)
    {
        try { images = await of.ListAsync(cancellationToken).ConfigureAwait(false); }
        // What was told last stays; why Ceph does not answer is told elsewhere.
        catch (IOException) { }
    }

    /// <summary>One after the other: they share a connection, and where Ceph does not answer the others would not be answered.</summary>
    private async Task MakeAllAsync(PoolImages pool, CancellationToken cancellationToken)
    {
        var (known, asking) = (All.ToDictionary(volume => volume.Name), claims.Snapshot.Items);
        attempts.Keep(known.Keys.Concat(asking.Select(claim => claim.VolumeName)).ToHashSet());
        foreach (var volume in known.Values.Where(volume => volume.Work == VolumeWork.Make))
            if (!await attempts.TryAsync(volume.Name, () => CompleteAsync(pool, volume, cancellationToken),
                reason => TellAsync(volume.Name, volume.Claim, MakingFailed, reason, cancellationToken)).ConfigureAwait(false)) return;
        foreach (var claim in asking)
        {
            var isNew = claim.Volume.Length == 0;
            Func<Task>? act = !isNew
                ? known.GetValueOrDefault(claim.Volume) is { Work: VolumeWork.Nothing, Phase: "Bound" } own
                    && own.Claim.Uid == claim.Reference.Uid ? GrowthOf(pool, claim, own, cancellationToken) : null
                : claim.IsAsked && !known.ContainsKey(claim.VolumeName) ? () => PlaceAsync(pool, claim, cancellationToken) : null;
            if (act is not null && !await attempts.TryAsync(claim.VolumeName, act, reason => TellAsync(claim.VolumeName, claim.Reference,
                isNew ? MakingFailed : GrowingFailed, reason, cancellationToken)).ConfigureAwait(false)) return;
        }
    }

    private async Task RemoveAllAsync(PoolImages pool, CancellationToken cancellationToken)
    {
        foreach (var volume in All.Where(volume => volume.Work is VolumeWork.Remove or VolumeWork.LetGo))
            if (!await attempts.TryAsync(volume.Name, () => RemoveAsync(pool, volume, cancellationToken), reason =>
            {
                logger.ImageNotRemoved(volume.Name, reason);
                return Task.CompletedTask;
            }).ConfigureAwait(false)) return;
    }

    /// <summary>From here on the claim has a volume; its image follows.</summary>
    private async Task PlaceAsync(PoolImages pool, PoolClaim claim, CancellationToken cancellationToken)
    {
        if (claim.Refusal is { } refusal) throw new ProvisioningException(refusal);
        if (ceph.WhyNoImage is { } why) throw new ProvisioningException(why);
        try
        {
            await client.CreateAsync(Resources.PersistentVolumes.Path(inNamespace: null), Describe(claim), cancellationToken)
                .ConfigureAwait(false);
        }
        // It is there and was not seen yet: its image is made when it is.
        catch (ApiException e) when (e.Code == HttpStatusCode.Conflict) { return; }
        await MakeAsync(pool, new PoolVolume(claim.VolumeName, claim.Bytes, VolumeWork.Make, "Pending", claim.Reference, []),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes the image of a volume that was there before: whose claim is gone meanwhile gets none.</summary>
    private async Task CompleteAsync(PoolImages pool, PoolVolume volume, CancellationToken cancellationToken)
    {
        if (await IsStillAsync(volume, cancellationToken).ConfigureAwait(false))
            await MakeAsync(pool, volume, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether the API server says now what it said when work on a volume was decided: that may be long ago.</summary>
    private async Task<bool> IsStillAsync(PoolVolume volume, CancellationToken cancellationToken) =>
        await client.FindAsync(Resources.PersistentVolumes, null, volume.Name, cancellationToken).ConfigureAwait(false) is { } live
            && PoolVolume.Read(live)?.Work == volume.Work;

    private async Task MakeAsync(PoolImages pool, PoolVolume volume, CancellationToken cancellationToken)
    {
        await AskAsync(() => pool.MakeAsync(volume.Name, volume.Bytes, volume.ClaimName, cancellationToken)).ConfigureAwait(false);
        await provisioning.UnmarkAsync(volume.Name, PoolVolume.Unmade, cancellationToken).ConfigureAwait(false);
        logger.ImageMade(volume.Name, volume.ClaimName, volume.Bytes);
    }

    private async Task RemoveAsync(PoolImages pool, PoolVolume volume, CancellationToken cancellationToken)
    {
        if (!await IsStillAsync(volume, cancellationToken).ConfigureAwait(false)) return;
        if (volume.Work == VolumeWork.LetGo)
        {
            await provisioning.LetGoAsync(volume.Name, volume.Finalizers, cancellationToken).ConfigureAwait(false);
            logger.ImageKept(volume.Name, volume.ClaimName);
            return;
        }
        if (whoHas(volume.Name) is { } holder) throw new ProvisioningException(holder);
        await AskAsync(() => pool.RemoveAsync(volume.Name, cancellationToken)).ConfigureAwait(false);
        images = [.. images.Where(name => name != volume.Name)];
        await provisioning.DeleteAsync(volume.Name, volume.Finalizers, cancellationToken).ConfigureAwait(false);
        logger.ImageRemoved(volume.Name, volume.ClaimName);
    }

    /// <summary>What is to be done for a claim that asks for more than it has; null where it does not.</summary>
    private Func<Task>? GrowthOf(PoolImages pool, PoolClaim claim, PoolVolume volume, CancellationToken cancellationToken)
    {
        if (claim.Bytes > volume.Bytes || (claim.Refusal is not null && claim.Bytes == 0))
            return () => GrowAsync(pool, claim, volume, cancellationToken);
        // Cut after the volume grew: whoever has to know is told.
        return claim.Capacity > 0 && claim.Capacity < Math.Min(claim.Bytes, volume.Bytes) && (claim.IsBlock || !claim.IsResizePending)
            ? () => TellSizeAsync(claim, volume.Bytes, cancellationToken) : null;
    }

    private async Task GrowAsync(PoolImages pool, PoolClaim claim, PoolVolume volume, CancellationToken cancellationToken)
    {
        if (claim.Refusal is { } refusal) throw new ProvisioningException(refusal);
        await AskAsync(() => pool.GrowAsync(volume.Name, claim.Bytes, cancellationToken)).ConfigureAwait(false);
        await client.MergeAsync(Resources.PersistentVolumes.Path(null, volume.Name), new JsonObject
        {
            ["spec"] = new JsonObject { ["capacity"] = Storage(claim.Bytes) },
        }, cancellationToken).ConfigureAwait(false);
        logger.ImageGrown(volume.Name, claim.Name, claim.Bytes);
        await TellSizeAsync(claim, claim.Bytes, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A block device is as large as its image at once; a file system is when its node has grown it, and has said so.</summary>
    private async Task TellSizeAsync(PoolClaim claim, long bytes, CancellationToken cancellationToken)
    {
        var path = Resources.PersistentVolumeClaims.Path(claim.Reference.Namespace, claim.Reference.Name!);
        if (await client.FindJsonAsync(path, cancellationToken).ConfigureAwait(false) is not { } live
            || (string?)live["metadata"]?["uid"] != claim.Reference.Uid) return;
        var status = live["status"];
        // The node may have been faster.
        if (ByteQuantity.Parse((string?)status?["capacity"]?["storage"]) is not { } has
            || PoolImages.Round(has) >= bytes) return;
        var conditions = new JsonArray([.. (status!["conditions"] as JsonArray ?? []).OfType<JsonObject>()
            .Where(one => (string?)one["type"] is not (PoolClaim.ResizePending or "Resizing")).Select(one => one.DeepClone())]);
        var change = new JsonObject { ["conditions"] = conditions };
        if (claim.IsBlock) change["capacity"] = Storage(bytes);
        else
            conditions.Add((JsonNode)new JsonObject
            {
                ["type"] = PoolClaim.ResizePending, ["status"] = "True",
                ["lastTransitionTime"] = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
                ["message"] = "the volume has grown; its file system does as soon as a pod's machine has it",
            });
        // With the version that was read: what somebody else wrote meanwhile is not undone.
        await client.MergeAsync($"{path}/status", new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = (string?)live["metadata"]!["resourceVersion"] }, ["status"] = change,
        }, cancellationToken).ConfigureAwait(false);
    }

    private static async Task AskAsync(Func<Task> ask)
    {
        try { await ask().ConfigureAwait(false); }
        catch (ImageInUseException e) { throw new ProvisioningException(e.Message); }
        catch (IOException e)
        {
            throw new ProvisioningException(e.Message, isSilence: e.InnerException is not RadosException { IsTimeout: false });
        }
    }

    private Task TellAsync(string volume, ClaimReference claim, string what, string reason, CancellationToken cancellationToken)
    {
        logger.ImageNotMade(volume, reason);
        return provisioning.TellAsync(claim, what, reason, cancellationToken);
    }

    /// <summary>Whole objects are whole MiB.</summary>
    private static JsonObject Storage(long bytes) => new() { ["storage"] = $"{bytes >> 20}Mi" };

    /// <summary>Its image is not there yet.</summary>
    internal static JsonObject Describe(PoolClaim claim)
    {
        var source = new JsonObject { ["driver"] = PoolVolume.Driver, ["volumeHandle"] = claim.VolumeName };
        if (!claim.IsBlock) source["fsType"] = "ext4";
        return new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "PersistentVolume",
            ["metadata"] = new JsonObject
            {
                ["name"] = claim.VolumeName,
                // Its image goes before it, whoever deletes it.
                ["finalizers"] = new JsonArray(Finalizer),
                ["annotations"] = new JsonObject { [Provisioning.ProvisionedBy] = PoolVolume.Driver, [PoolVolume.Unmade] = "" },
            },
            ["spec"] = new JsonObject
            {
                ["capacity"] = Storage(claim.Bytes), ["accessModes"] = new JsonArray(Provisioning.OneWriter),
                ["volumeMode"] = claim.IsBlock ? "Block" : "Filesystem", ["storageClassName"] = PoolVolume.Class,
                ["persistentVolumeReclaimPolicy"] = "Delete", ["claimRef"] = Provisioning.ReferenceTo(claim.Reference), ["csi"] = source,
            },
        };
    }
}

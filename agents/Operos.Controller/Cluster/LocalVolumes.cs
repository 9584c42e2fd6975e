using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Operos.Controller.Connections;
using Operos.Controller.Machines;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Linux;
using Operos.Linux.Tasks;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Cluster;

/// <summary>
/// Makes the volumes of the class <c>operos-local</c> on the disks of the machine that the scheduler chose, and deletes those whose claims
/// are gone: what Kubernetes calls a provisioner. Each step is done again until it is done; none makes a second volume of a claim: its
/// machine says where it would be, the API server keeps that as the PersistentVolume, and then its folder is made, there and nowhere else.
/// Whatever is cut, a folder has a volume that says where it is, and goes with it.
/// </summary>
internal sealed class LocalVolumes(ApiClient client, Sessions sessions, MachineRegistry registry, ILogger<LocalVolumes> logger)
{
    public const string Provisioner = "operos.io/local";

    private const string Class = "operos-local", Finalizer = "operos.io/local-volume", Folder = "/var/lib/operos/volumes/",
        Machine = "operos.io/machine", Unmade = "operos.io/unmade-bytes", SelectedNode = "volume.kubernetes.io/selected-node";
    private const int MachinesAtOnce = 16;
    private static readonly TimeSpan Check = TimeSpan.FromSeconds(1);

    private readonly WatchCache<PersistentVolumeClaimObject, LocalClaim> claims = new(client, Resources.PersistentVolumeClaims, Read);
    private readonly WatchCache<PersistentVolumeObject, LocalVolume> volumes = new(client, Resources.PersistentVolumes, Read,
        (one, other) => one with { Finalizers = other.Finalizers } == other && one.Finalizers.SequenceEqual(other.Finalizers));
    private readonly Provisioning provisioning = new(client, Finalizer, Class);
    private readonly VolumeAttempts attempts = new(logger);

    /// <summary>A claim that waits for its volume on a machine.</summary>
    internal sealed record LocalClaim(string Namespace, string Name, string Uid, string Node, string Class, string Size, string? Refusal)
    {
        public string Volume => $"pvc-{Uid}";
        public ClaimReference Reference => new() { Namespace = Namespace, Name = Name, Uid = Uid };
    }

    /// <summary>A volume whose claim is gone, or whose folder is not made yet.</summary>
    /// <param name="Unmade">The bytes of a folder that is to be made; 0 where it is to be deleted.</param>
    /// <param name="Finalizers">All that it has.</param>
    internal sealed record LocalVolume(string Name, string Machine, string Path, long Unmade, ClaimReference Claim,
        IReadOnlyList<string> Finalizers);

    public Task RunAsync(CancellationToken cancellationToken) => TaskGroup.RunAsync(cancellationToken,
        new("claims", claims.RunAsync), new("volumes", volumes.RunAsync), new("work", WorkAsync));

    /// <summary>A claim that is ours to serve now; null for any other.</summary>
    internal static LocalClaim? Read(PersistentVolumeClaimObject claim)
    {
        var told = claim.Metadata?.Annotations;
        if (claim is not { Metadata: { DeletionTimestamp: null, Name: { } name, Namespace: { } space }, Spec: { } spec }
            || !string.IsNullOrEmpty(spec.VolumeName) || !Guid.TryParseExact(claim.Metadata.Uid, "D", out var uid)
            || spec.StorageClassName != Class || told?.GetValueOrDefault(SelectedNode) is not { Length: > 0 } node
            || !Provisioning.IsAsked(claim, Provisioner)) return null;
        var size = spec.Asked?.Requests?.GetValueOrDefault("storage") ?? "";
        var refusal = spec.VolumeMode is not (null or "Filesystem") ? "it asks for a block device, and these volumes are folders"
            : spec.AccessModes?.Any(mode => mode != Provisioning.OneWriter) == true
                ? "it is to be used from several machines, and these volumes are on one"
            : ByteQuantity.Parse(size) is null ? "it does not say how many bytes it asks for" : null;
        return new LocalClaim(space, name, $"{uid}", node, spec.StorageClassName, size, refusal);
    }

    /// <summary>A volume that is ours to delete now, or to make; null for any other.</summary>
    internal static LocalVolume? Read(PersistentVolumeObject volume)
    {
        if (volume is not { Metadata: { Name: { } name, Annotations: { } told } meta, Spec: { Local.Path: { } path } spec }
            || told.GetValueOrDefault(Provisioning.ProvisionedBy) != Provisioner || told.GetValueOrDefault(Machine) is not { } machine
            || !IsPlace(path, name)) return null;
        var phase = volume.Status?.Phase;
        var isUnwanted = phase is "Released" or "Failed" || (meta.DeletionTimestamp is not null && phase is not (null or "Bound"));
        if (isUnwanted && spec.PersistentVolumeReclaimPolicy != "Delete") return null;
        var unmade = isUnwanted ? 0 : ByteQuantity.Parse(told.GetValueOrDefault(Unmade) ?? "") ?? 0;
        return isUnwanted || unmade > 0
            ? new LocalVolume(name, machine, path, unmade, spec.ClaimRef ?? new(), [.. meta.Finalizers.Present()]) : null;
    }

    /// <summary>Whether a volume is a folder of ours on a disk.</summary>
    /// <param name="disk">The id in the disk's record.</param>
    internal static bool IsOn(PersistentVolumeObject volume, string disk) =>
        volume is { Metadata.Name: { } name, Spec.Local.Path: { } path } && path == $"{Folder}{disk}/{name}";

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var known = volumes.Snapshot.Items;
            var begun = known.Select(volume => volume.Name).ToHashSet();
            var wanted = claims.Snapshot.Items.Where(claim => !begun.Contains(claim.Volume)).ToList();
            attempts.Keep(wanted.Select(claim => claim.Volume).Concat(begun).ToHashSet());
            // One machine that does not answer keeps no other's waiting.
            // What has its place takes it before others choose theirs.
            var machines = known.Select(volume => (Node: volume.Machine, Work: Work(token => TryAsync(volume, token))))
                .Concat(wanted.Select(claim => (claim.Node, Work: Work(token => TryAsync(claim, token)))))
                .GroupBy(work => work.Node, StringComparer.Ordinal);
            var options = new ParallelOptions { MaxDegreeOfParallelism = MachinesAtOnce, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(machines, options, async (machine, token) =>
            {
                foreach (var (_, work) in machine)
                    if (!await work(token).ConfigureAwait(false)) break;
            }).ConfigureAwait(false);
            await Task.Delay(Check, cancellationToken).ConfigureAwait(false);
        }
    }

    private static Func<CancellationToken, Task<bool>> Work(Func<CancellationToken, Task<bool>> work) => work;

    private Task<bool> TryAsync(LocalClaim claim, CancellationToken cancellationToken) => attempts.TryAsync(claim.Volume,
        () => PlaceAsync(claim, cancellationToken), reason => TellAsync(claim.Volume, claim.Reference, reason, cancellationToken));

    private Task<bool> TryAsync(LocalVolume volume, CancellationToken cancellationToken) => volume.Unmade > 0
        ? attempts.TryAsync(volume.Name, () => MakeAsync(volume, cancellationToken),
            reason => TellAsync(volume.Name, volume.Claim, reason, cancellationToken))
        : attempts.TryAsync(volume.Name, () => DropAsync(volume, cancellationToken), reason =>
        {
            logger.VolumeNotDeleted(volume.Name, volume.Machine, reason);
            return Task.CompletedTask;
        });

    /// <summary>Has its place chosen and kept; from then on it has no other.</summary>
    private async Task PlaceAsync(LocalClaim claim, CancellationToken cancellationToken)
    {
        if (claim.Refusal is { } refusal) throw new ProvisioningException(refusal);
        var bytes = ByteQuantity.Parse(claim.Size)!.Value;
        string path;
        try
        {
            path = (await AskAsync<VolumeMade>(claim.Node, new MakeVolume { Volume = claim.Volume, Bytes = bytes, OnlyChoose = true },
                cancellationToken).ConfigureAwait(false)).Path;
        }
        catch (ProvisioningException e) when (e.ElsewhereMaybe)
        {
            // The scheduler chooses again, another machine where there is one.
            await client.MergeAsync(Resources.PersistentVolumeClaims.Path(claim.Namespace, claim.Name),
                Provisioning.Annotation(SelectedNode, null), cancellationToken).ConfigureAwait(false);
            throw;
        }
        if (!IsPlace(path, claim.Volume)) throw new ProvisioningException("its machine answered with another place");
        try
        {
            await client.CreateAsync(Resources.PersistentVolumes.Path(inNamespace: null), Describe(claim, path, bytes), cancellationToken)
                .ConfigureAwait(false);
        }
        // Placed before, perhaps elsewhere, and not seen yet: it is made when it is.
        catch (ApiException e) when (e.Code == HttpStatusCode.Conflict) { return; }
        await MakeAsync(new LocalVolume(claim.Volume, claim.Node, path, bytes, claim.Reference, []), cancellationToken)
            .ConfigureAwait(false);
    }

    private async Task MakeAsync(LocalVolume volume, CancellationToken cancellationToken)
    {
        var made = await AskAsync<VolumeMade>(volume.Machine,
            new MakeVolume { Volume = volume.Name, Bytes = volume.Unmade, Path = volume.Path }, cancellationToken).ConfigureAwait(false);
        if (made.Path != volume.Path) throw new ProvisioningException("its machine made it in another place than it said before");
        await provisioning.UnmarkAsync(volume.Name, Unmade, cancellationToken).ConfigureAwait(false);
        logger.VolumeMade(volume.Name, volume.Machine, $"{volume.Claim.Namespace}/{volume.Claim.Name}");
    }

    private async Task DropAsync(LocalVolume volume, CancellationToken cancellationToken)
    {
        // Of a machine that an operator took out nothing is to be had, nor to be deleted.
        if (registry.Knows(volume.Machine))
            await AskAsync<Done>(volume.Machine, new DropVolume { Volume = volume.Name, Path = volume.Path }, cancellationToken)
                .ConfigureAwait(false);
        await provisioning.DeleteAsync(volume.Name, volume.Finalizers, cancellationToken).ConfigureAwait(false);
        logger.VolumeDropped(volume.Name, volume.Machine);
    }

    private async Task<T> AskAsync<T>(string machine, Message request, CancellationToken cancellationToken) where T : Message
    {
        if (sessions.Get(machine) is not { } session)
            throw new ProvisioningException($"the agent of {machine} is not connected: operosctl why {machine}", elsewhereMaybe: true);
        try { return await session.Connection.CallAsync<T>(request, cancellationToken).ConfigureAwait(false); }
        catch (Exception e) when (e is IOException or TimeoutException or ControlFaultException)
        {
            throw new ProvisioningException($"{machine}: {PrintableText.Line(e.Message, MachineWords.LongestText)}",
                e is ControlFaultException { Code: FaultCode.Conflict }, isSilence: e is not ControlFaultException);
        }
    }

    /// <summary>What a worker answers is for a pod to see: nothing but a volume's folder is.</summary>
    private static bool IsPlace(string path, string volume) => path.StartsWith(Folder, StringComparison.Ordinal)
        && path.EndsWith("/" + volume, StringComparison.Ordinal) && path.Length - volume.Length - 1 > Folder.Length
        && Guid.TryParseExact(path.AsSpan(Folder.Length, path.Length - volume.Length - 1 - Folder.Length), "D", out _);

    /// <summary>Its folder is not there yet.</summary>
    internal static JsonObject Describe(LocalClaim claim, string path, long bytes) => new()
    {
        ["apiVersion"] = "v1", ["kind"] = "PersistentVolume",
        ["metadata"] = new JsonObject
        {
            ["name"] = claim.Volume,
            // Its folder goes before it, whoever deletes it.
            ["finalizers"] = new JsonArray(Finalizer),
            ["annotations"] = new JsonObject { [Provisioning.ProvisionedBy] = Provisioner, [Machine] = claim.Node, [Unmade] = $"{bytes}" },
        },
        ["spec"] = new JsonObject
        {
            ["capacity"] = new JsonObject { ["storage"] = claim.Size },
            ["accessModes"] = new JsonArray(Provisioning.OneWriter), ["volumeMode"] = "Filesystem", ["storageClassName"] = claim.Class,
            ["persistentVolumeReclaimPolicy"] = "Delete",
            ["claimRef"] = Provisioning.ReferenceTo(claim.Reference),
            ["local"] = new JsonObject { ["path"] = path },
            ["nodeAffinity"] = new JsonObject
            {
                ["required"] = new JsonObject
                {
                    ["nodeSelectorTerms"] = new JsonArray(new JsonObject
                    {
                        ["matchExpressions"] = new JsonArray(new JsonObject
                        {
                            ["key"] = "kubernetes.io/hostname", ["operator"] = "In", ["values"] = new JsonArray(claim.Node),
                        }),
                    }),
                },
            },
        },
    };

    private Task TellAsync(string volume, ClaimReference claim, string reason, CancellationToken cancellationToken)
    {
        logger.VolumeNotMade(volume, reason);
        return provisioning.TellAsync(claim, "ProvisioningFailed", reason, cancellationToken);
    }
}

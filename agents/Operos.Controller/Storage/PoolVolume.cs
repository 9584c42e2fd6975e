using System.Globalization;
using Operos.Ceph.Pools;
using Operos.Controller.Cluster;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;

namespace Operos.Controller.Storage;

/// <summary>What is to be done with a volume.</summary>
internal enum VolumeWork
{
    Nothing,
    /// <summary>Its image is made.</summary>
    Make,
    /// <summary>Its image is removed, and it goes.</summary>
    Remove,
    /// <summary>It goes, and its image stays: so its reclaim policy says.</summary>
    LetGo,
}

/// <summary>A PersistentVolume of our driver, whose name is its image's.</summary>
/// <param name="Bytes">Its capacity.</param>
/// <param name="Finalizers">All that it has.</param>
internal sealed record PoolVolume(string Name, long Bytes, VolumeWork Work, string Phase, ClaimReference Claim,
    IReadOnlyList<string> Finalizers)
{
    /// <summary>The driver on the nodes, and as which the controller provisions.</summary>
    public const string Driver = PoolImages.Driver;

    /// <summary>The class of claims that are served, which Kubernetes takes where a claim names none.</summary>
    public const string Class = "operos";

    /// <summary>On a volume whose image is not made yet.</summary>
    public const string Unmade = "operos.io/unmade-image";

    public string ClaimName => Claim.Name is null ? "" : $"{Claim.Namespace}/{Claim.Name}";

    /// <summary>One that is ours; null for any other.</summary>
    public static PoolVolume? Read(PersistentVolumeObject volume)
    {
        if (volume is not { Metadata: { Name: { } name } meta, Spec: { Csi: { Driver: Driver } csi } spec }
            || meta.Annotations?.GetValueOrDefault(Provisioning.ProvisionedBy) != Driver || !ImageName.IsValid(name)
            || csi.VolumeHandle != name)
            return null;
        var phase = volume.Status?.Phase;
        var isUnwanted = phase is "Released" or "Failed" || (meta.DeletionTimestamp is not null && phase is not (null or "Bound"));
        var work = isUnwanted && spec.PersistentVolumeReclaimPolicy == "Delete" ? VolumeWork.Remove
            : isUnwanted ? meta.DeletionTimestamp is not null ? VolumeWork.LetGo : VolumeWork.Nothing
            : meta.Annotations.ContainsKey(Unmade) ? VolumeWork.Make : VolumeWork.Nothing;
        return new PoolVolume(name, ByteQuantity.Parse(spec.Capacity?.GetValueOrDefault("storage")) ?? 0, work, phase ?? "Pending",
            spec.ClaimRef ?? new(), [.. meta.Finalizers.Present()]);
    }

    /// <summary>The same to whoever works with it.</summary>
    public static bool AreSame(PoolVolume one, PoolVolume other) =>
        one with { Finalizers = other.Finalizers } == other && one.Finalizers.SequenceEqual(other.Finalizers);
}

/// <summary>A claim of our class.</summary>
/// <param name="Bytes">What it asks for, in whole objects; 0 where that is no amount.</param>
/// <param name="Refusal">Why no volume can be made for it; null where one can.</param>
/// <param name="IsAsked">Whether Kubernetes asks us for its volume.</param>
/// <param name="Volume">The volume that it has; empty where it has none.</param>
/// <param name="Capacity">What Kubernetes says that it has, in whole objects: a kubelet may write what was asked for.</param>
/// <param name="IsResizePending">Whether its node is told to grow the file system.</param>
internal sealed record PoolClaim(ClaimReference Reference, long Bytes, bool IsBlock, string? Refusal, bool IsAsked, string Volume,
    long Capacity, bool IsResizePending)
{
    /// <summary>The type of the condition that tells a node to grow the file system.</summary>
    public const string ResizePending = "FileSystemResizePending";

    /// <summary>How its volume is called.</summary>
    public string VolumeName => ImageName.Of(Guid.Parse(Reference.Uid!));

    public string Name => $"{Reference.Namespace}/{Reference.Name}";

    /// <summary>One that is ours; null for any other.</summary>
    public static PoolClaim? Read(PersistentVolumeClaimObject claim)
    {
        if (claim is not { Metadata: { DeletionTimestamp: null, Name: { } name, Namespace: { } space }, Spec: { } spec }
            || spec.StorageClassName != PoolVolume.Class || !Guid.TryParseExact(claim.Metadata.Uid, "D", out var uid)) return null;
        var asked = ByteQuantity.Parse(spec.Asked?.Requests?.GetValueOrDefault("storage"));
        var refusal = spec.AccessModes.Present().Any(mode => mode != Provisioning.OneWriter)
            ? $"it is to be used from several machines, and volumes of this class are on one at a time: {Provisioning.OneWriter} alone"
            : spec.VolumeMode is not (null or "Filesystem" or "Block") ? "it asks for neither a file system nor a block device"
            : asked is null ? "it does not say how many bytes it asks for"
            : asked > PoolImages.MostBytes
                ? string.Create(CultureInfo.InvariantCulture, $"it asks for over {PoolImages.MostBytes >> 40} TiB, which no image has")
            : null;
        return new PoolClaim(new() { Namespace = space, Name = name, Uid = $"{uid}" },
            asked is { } bytes and <= PoolImages.MostBytes ? PoolImages.Round(bytes) : 0,
            spec.VolumeMode == "Block", refusal, Provisioning.IsAsked(claim, PoolVolume.Driver), spec.VolumeName ?? "",
            PoolImages.Round(ByteQuantity.Parse(claim.Status?.Capacity?.GetValueOrDefault("storage")) ?? 0),
            claim.Status?.Conditions.Present().Any(one => one is { Type: ResizePending, Status: "True" }) == true);
    }
}

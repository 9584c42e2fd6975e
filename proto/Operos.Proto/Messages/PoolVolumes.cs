using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>
/// Worker to controller, before it maps the image of a volume: from then on no other machine may, until this one has released it or booted
/// anew. Answered by <see cref="VolumeGrant"/>, the same as often as it asks in one boot.
/// </summary>
/// <remarks>
/// Fault <c>conflict</c> where another machine has it (its name and since when are in the text), where the cluster has no Ceph, or where
/// the volume is being deleted; <c>not-found</c> where there is no such image; <c>busy</c> where no monitor answers now.
/// </remarks>
public sealed record StageVolume : Message
{
    /// <summary>The PersistentVolume: <c>pvc-</c> and a UUID.</summary>
    [Key(0)] public required string Volume { get; init; }
    /// <summary>The image: what the PersistentVolume has as <c>volumeHandle</c>.</summary>
    [Key(1)] public required string Image { get; init; }
}

/// <summary>What a machine needs to map an image.</summary>
public sealed record VolumeGrant : Message
{
    /// <summary>UUID of the cluster of Ceph.</summary>
    [Key(0)] public required string Fsid { get; init; }
    /// <summary>Such as <c>10.0.0.1:3300</c>: msgr2 alone.</summary>
    [Key(1)] public required IReadOnlyList<string> Monitors { get; init; }
    [Key(2)] public required string Pool { get; init; }
    [Key(3)] public required string Image { get; init; }
    /// <summary>As the kernel's <c>name=</c> has it, without <c>client.</c>: one user a machine.</summary>
    [Key(4)] public required string User { get; init; }
    /// <summary>Its key, as a keyring has it (base64).</summary>
    [Key(5)] public required string Key { get; init; }
    /// <summary>The image's size: a device that is smaller was mapped before it grew.</summary>
    [Key(6)] public required long Bytes { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Monitors);
}

/// <summary>
/// Worker to controller, after it mapped an image: as whom Ceph knows the kernel's client, so that it can be shut out should the machine
/// fall silent. Answered by <see cref="Done"/>.
/// </summary>
/// <remarks>Fault <c>conflict</c> where it is not staged on this machine in this boot.</remarks>
public sealed record TellVolume : Message
{
    /// <summary>Of one volume; an address has no more than <see cref="LongestAddress"/> characters.</summary>
    public const int MostAddresses = 8, LongestAddress = 64;

    [Key(0)] public required string Volume { get; init; }
    /// <summary>Of the client, with its nonce, such as <c>10.0.0.7:0/2754081033</c> (<c>client_addr</c> in sysfs).</summary>
    [Key(1)] public required IReadOnlyList<string> Addresses { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Addresses);
}

/// <summary>
/// Worker to controller, after it unmapped an image: another machine may have it. Answered by <see cref="Done"/>, also where it is not
/// staged on this machine.
/// </summary>
public sealed record ReleaseVolume : Message
{
    [Key(0)] public required string Volume { get; init; }
}

/// <summary>Answered by <see cref="VolumeList"/>.</summary>
public sealed record ListVolumes : Message
{
    /// <summary>After this volume, of the page before; null for the first page.</summary>
    [Key(0)] public string? After { get; init; }
}

public sealed record VolumeList : Message
{
    /// <summary>Of one page.</summary>
    public const int Most = 1000;

    /// <summary>By name.</summary>
    [Key(0)] public required IReadOnlyList<VolumeEntry> Volumes { get; init; }
    /// <summary>What to ask after next; null where these are the last.</summary>
    [Key(1)] public string? Next { get; init; }
    /// <summary>Why a part is missing or old, such as what Ceph says; null where none is.</summary>
    [Key(2)] public string? Trouble { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Volumes) || Volumes.Any(volume => volume.HoldsNull());
}

/// <summary>By the name of the volume or its claim (<c>namespace/name</c>). Answered by <see cref="VolumeDetail"/>.</summary>
public sealed record ShowVolume : Message
{
    [Key(0)] public required string Volume { get; init; }
}

public sealed record VolumeDetail : Message
{
    [Key(0)] public required VolumeEntry Volume { get; init; }
    /// <summary>Who has the image open, as Ceph says it now: addresses.</summary>
    [Key(1)] public IReadOnlyList<string> Watchers { get; init; } = [];
    /// <summary>Why a part is missing, in words; null where none is.</summary>
    [Key(2)] public string? Trouble { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Watchers) || Volume?.HoldsNull() == true;
}

/// <summary>A volume of class <c>operos</c>: an image in the pool, for a claim.</summary>
public sealed record VolumeEntry
{
    [Key(0)] public required string Volume { get; init; }
    [Key(1)] public required string Image { get; init; }
    /// <summary><c>namespace/name</c> of its claim; empty where it has none.</summary>
    [Key(2)] public string Claim { get; init; } = "";
    /// <summary>
    /// The PersistentVolume's phase, such as <c>Bound</c>; <c>unknown</c> where the API server does not tell of one.
    /// </summary>
    [Key(3)] public required string Phase { get; init; }
    /// <summary>As the PersistentVolume says.</summary>
    [Key(4)] public long Bytes { get; init; }
    /// <summary>UUID of the machine that has it staged; null where none has.</summary>
    [Key(5)] public string? Machine { get; init; }
    /// <summary>The machine's name, or its UUID.</summary>
    [Key(6)] public string? MachineName { get; init; }
    /// <summary>Since when; 0 where it is not staged.</summary>
    [Key(7)] public long SinceUnixMs { get; init; }
    /// <summary>Of the kernel's client on that machine.</summary>
    [Key(8)] public IReadOnlyList<string> Addresses { get; init; } = [];
    /// <summary>What keeps it from what is to become of it, in words; empty where nothing does.</summary>
    [Key(9)] public string Text { get; init; } = "";

    internal bool HoldsNull() => Elements.HoldNull(Addresses);
}

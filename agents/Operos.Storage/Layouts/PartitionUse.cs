using Operos.Storage.Records;

namespace Operos.Storage.Layouts;

/// <summary>What a partition of ours is for.</summary>
public enum PartitionUse
{
    /// <summary>Left for a cache of layers: signed content alone, not encrypted.</summary>
    Cache,
    /// <summary>What a reboot may erase: images, logs, emptyDir; containerd's and kubelet's own folders.</summary>
    Ephemeral,
    /// <summary>Local volumes; they survive a reboot.</summary>
    Volumes,
    /// <summary>A Ceph OSD's.</summary>
    Osd,
}

/// <summary>How a GPT tells what a partition is for.</summary>
public static class PartitionTypes
{
    private static readonly (PartitionUse Use, Guid Type, string Label)[] All =
    [
        (PartitionUse.Cache, OwnPartitionTypes.Cache, "operos-cache"),
        (PartitionUse.Ephemeral, OwnPartitionTypes.Ephemeral, "operos-ephemeral"),
        (PartitionUse.Volumes, OwnPartitionTypes.Volumes, "operos-volumes"),
        (PartitionUse.Osd, OwnPartitionTypes.Osd, "operos-osd"),
    ];

    /// <summary>The type's GUID.</summary>
    public static Guid TypeOf(PartitionUse use) => All[(int)use].Type;

    /// <summary>The partition's name in the table.</summary>
    public static string LabelOf(PartitionUse use) => All[(int)use].Label;

    /// <summary>Null where it is none of ours.</summary>
    public static PartitionUse? UseOf(Guid type)
    {
        foreach (var entry in All)
        {
            if (entry.Type == type) return entry.Use;
        }
        return null;
    }
}

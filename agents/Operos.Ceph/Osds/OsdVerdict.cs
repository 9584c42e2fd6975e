using System.Globalization;
using Operos.Linux;

namespace Operos.Ceph.Osds;

/// <summary>What is to be done with a partition for an OSD.</summary>
public enum OsdWork
{
    /// <summary>Nothing: what stands there is somebody else's, or nobody knows whose.</summary>
    Leave,
    /// <summary>An OSD is made on it: it is blank, or the making of this very OSD was cut.</summary>
    Make,
    /// <summary>The OSD that stands there is started.</summary>
    Start,
}

/// <summary>
/// Whether an OSD may be made or started on a partition. Pure. ceph-osd itself asks nobody: it starts whatever it finds with the key that
/// it is given, and a stranger with the number of ours would take its place in the cluster.
/// </summary>
/// <param name="Text">Why, in words.</param>
public sealed record OsdVerdict(OsdWork Work, string Text)
{
    private const int LongestValue = 64;

    /// <param name="fsid">The cluster of Ceph.</param>
    /// <param name="id">The number that the controller gave it; null before it was asked: nobody asks for what is left alone.</param>
    public static OsdVerdict Of(OsdPartition found, Guid fsid, int? id)
    {
        if (found.Damage is { } damage) return Leave(damage);
        if (found.Label is not { } label)
            return found.Contents is { } contents ? Leave($"it is not blank, and no OSD: {contents}")
                : new(OsdWork.Make, "it is blank");
        if (label.Osd != found.Id) return Leave($"an OSD with another UUID, {label.Osd}, stands there");
        if (label.Fsid is { } other && !(Guid.TryParse(other, out var cluster) && cluster == fsid))
            return Leave($"the OSD on it is another cluster's, {Shown(other)}");
        if (label.Bytes > found.Bytes) return Leave($"the OSD on it has {label.Bytes} bytes, and the partition {found.Bytes}");
        if (id is { } granted && label.Id is { } number && number != granted.ToString(CultureInfo.InvariantCulture))
            return Leave($"the OSD on it has the number {Shown(number)}, and the cluster gave {granted}: it was removed from the cluster, "
                + "or is a copy");
        if (!label.IsReady) return new(OsdWork.Make, "its making was cut");
        return label.Fsid is null || label.Id is null ? Leave("its label says that it is ready, and not whose it is")
            : new(OsdWork.Start, "it is ready");
    }

    private static OsdVerdict Leave(string why) => new(OsdWork.Leave, why);

    private static string Shown(string value) => PrintableText.Line(value, LongestValue) ?? "none";
}

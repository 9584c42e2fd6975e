namespace Operos.Ceph.Osds;

/// <summary>What an OSD may take of its machine's memory, in bytes.</summary>
/// <param name="Target">What it aims at in all (<c>osd_memory_target</c>).</param>
/// <param name="Cache">
/// A fixed size of its cache, where the machine has less than the target that it would take: with a target it would grow to that. Null
/// where it finds the size itself.
/// </param>
public sealed record OsdMemory(long Target, long? Cache)
{
    /// <summary>More than its own default serves no OSD here: the memory is the pods'.</summary>
    public const long Most = 4L << 30;

    /// <summary>OSDs together take at most this part of a machine's memory.</summary>
    private const double Share = 0.4;

    /// <summary>What one takes beside its cache, and the least cache that it works with.</summary>
    private const long Beside = 256L << 20, LeastCache = 64L << 20;

    /// <param name="machine">All memory of the machine.</param>
    /// <param name="osds">How many it has, 1 at least.</param>
    public static OsdMemory Of(long machine, int osds)
    {
        var share = (long)(machine * Share) / Math.Max(1, osds);
        return share >= CephConfiguration.LeastOsdMemory ? new(Math.Min(share, Most), null)
            : new(CephConfiguration.LeastOsdMemory, Math.Max(share - Beside, LeastCache));
    }

    /// <summary>What is to be expected of it in all; it may be more for a while.</summary>
    public long Bytes => Cache is { } cache ? cache + Beside : Target;

    /// <summary>As arguments of ceph-osd.</summary>
    public IReadOnlyList<string> Arguments => Cache is { } cache ? ["--bluestore-cache-autotune=false", $"--bluestore-cache-size={cache}"]
        : [];

    /// <summary>What is told of a machine that has too little; empty where it has enough.</summary>
    public string Words => Cache is { } cache
        ? $"with a cache of {cache >> 20} MiB alone: its machine has less memory than Ceph wants for its OSDs" : "";
}

namespace Operos.Ceph.Facts;

/// <summary>What the monitor and the manager said of the cluster, at one time.</summary>
public sealed record ClusterFacts
{
    public required DateTimeOffset At { get; init; }
    /// <summary>Whether the manager answered, which alone counts: bytes, placement groups, copies.</summary>
    public bool IsCounted { get; init; }
    public IReadOnlyList<HealthComplaint> Complaints { get; init; } = [];
    public IReadOnlyList<OsdFacts> Osds { get; init; } = [];
    public IReadOnlyList<PoolFacts> Pools { get; init; } = [];
    /// <summary>How many placement groups are in which state, such as <c>active+clean</c>.</summary>
    public IReadOnlyDictionary<string, int> PlacementGroups { get; init; } = new Dictionary<string, int>();
    /// <summary>Copies of objects that are missing, and that there should be.</summary>
    public long Degraded { get; init; }
    public long Copies { get; init; }
    /// <summary>Of all OSDs, before copies.</summary>
    public long Bytes { get; init; }
    public long BytesUsed { get; init; }
    /// <summary>Bytes a second of which copies are made now; 0 while none are.</summary>
    public long RecoveryRate { get; init; }

    public int AllPlacementGroups => PlacementGroups.Values.Sum();

    public int CleanPlacementGroups => PlacementGroups.Where(state => state.Key.StartsWith("active+clean", StringComparison.Ordinal))
        .Sum(state => state.Value);

    /// <summary>Hosts with OSDs that are up and take data, and how many bytes these have; the largest first.</summary>
    public IReadOnlyList<(string Host, long Bytes)> HostsUp =>
        [.. Osds.Where(osd => osd is { IsUp: true, IsIn: true, Host: not null }).GroupBy(osd => osd.Host!, StringComparer.Ordinal)
            .Select(host => (host.Key, host.Sum(osd => osd.Bytes))).OrderByDescending(host => host.Item2)];
}

/// <summary>One of Ceph's health checks that fails.</summary>
/// <param name="Code">Such as <c>OSD_DOWN</c>.</param>
/// <param name="Text">Ceph's words.</param>
public sealed record HealthComplaint(string Code, bool IsError, string Text, bool IsMuted);

/// <summary>An OSD as the monitor knows it.</summary>
/// <param name="Uuid">The partition that it is on.</param>
/// <param name="Host">The machine's UUID; null for one that never started.</param>
/// <param name="DeviceClass">Such as <c>hdd</c>; empty for one that never started.</param>
/// <param name="BytesOfData">What is stored on it, of what is used.</param>
/// <param name="IsDestroyed">Whether its number and its place wait for another disk; then it has no UUID.</param>
public sealed record OsdFacts(int Id, Guid Uuid, bool IsUp, bool IsIn, string? Host, string DeviceClass, long Bytes, long BytesUsed,
    long BytesOfData = 0, bool IsDestroyed = false);

/// <summary>A pool.</summary>
/// <param name="Bytes">What is stored in it, without copies.</param>
/// <param name="BytesLeft">What can still be, without copies.</param>
/// <param name="IsForRbd">Whether it is marked for block devices.</param>
/// <param name="Order">What an operator wants of it.</param>
public sealed record PoolFacts(string Name, int Size, int MinSize, int PlacementGroups, long Bytes, long BytesLeft, bool IsForRbd,
    PoolOrder Order = default);

/// <summary>What an operator wants of a pool, which Ceph keeps with it; null is what is usual.</summary>
/// <param name="Copies">At most.</param>
/// <param name="MinSize">With how many it works.</param>
public readonly record struct PoolOrder(int? Copies, int? MinSize)
{
    /// <summary>What is usual.</summary>
    internal const int MostCopies = 3, UsualMinSize = 2;

    /// <summary>As what it stands among what the pool's application says of itself.</summary>
    internal const string CopiesKey = "operos-copies", MinSizeKey = "operos-min-size";

    /// <summary>Whether it says anything, and a pool for volumes may be so: data with one copy is what one host alone has.</summary>
    public bool IsPossible => (Copies, MinSize) is not (null, null)
        && Copies is null or 2 or MostCopies && MinSize is null or 1 or UsualMinSize;
}

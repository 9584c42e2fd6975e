namespace Operos.Policy.Policies;

/// <summary>Ports of a protocol from the first to the last, both included.</summary>
internal readonly record struct PortRange(Protocol Protocol, int First, int Last)
{
    public const int Highest = 65535;

    /// <summary>A protocol without a port.</summary>
    public bool IsWholeProtocol => First == 0 && Last == Highest;

    /// <summary>The same ports in the fewest ranges, by protocol, ascending.</summary>
    public static IReadOnlyList<PortRange> Merge(IEnumerable<PortRange> ranges)
    {
        var merged = new List<PortRange>();
        foreach (var range in ranges.OrderBy(range => range.Protocol).ThenBy(range => range.First))
        {
            if (merged.Count > 0 && merged[^1] is var last && last.Protocol == range.Protocol && range.First <= last.Last + 1)
                merged[^1] = last with { Last = Math.Max(last.Last, range.Last) };
            else merged.Add(range);
        }
        return merged;
    }

    public override string ToString() => First == Last ? $"{First}" : $"{First}-{Last}";
}

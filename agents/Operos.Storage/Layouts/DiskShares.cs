using Operos.Storage.Looks;

namespace Operos.Storage.Layouts;

/// <summary>How much of each disk is for local storage; the rest is for Ceph.</summary>
public sealed record DiskShares
{
    /// <summary>Of a disk that no rule matches: 0 is all for Ceph, 100 all local.</summary>
    public int LocalPercent { get; init; } = 50;

    /// <summary>The first that matches counts.</summary>
    public IReadOnlyList<ShareRule> Rules { get; init; } = [];

    /// <summary>The local share of a disk, 0 to 100.</summary>
    public int LocalPercentOf(DiskFacts facts, long bytes) =>
        Math.Clamp(Rules.FirstOrDefault(rule => rule.Matches(facts, bytes))?.LocalPercent ?? LocalPercent, 0, 100);
}

/// <summary>Another share for some disks: those that match all that it names.</summary>
public sealed record ShareRule
{
    public bool? Rotational { get; init; }
    /// <summary>The smallest size that matches, in bytes.</summary>
    public long? AtLeast { get; init; }
    /// <summary>The largest size that matches, in bytes.</summary>
    public long? AtMost { get; init; }
    /// <summary>The model, any case; <c>*</c> stands for any text.</summary>
    public string? Model { get; init; }
    public required int LocalPercent { get; init; }

    public bool Matches(DiskFacts facts, long bytes) =>
        (Rotational is not { } rotational || rotational == facts.IsRotational)
        && (AtLeast is not { } least || bytes >= least) && (AtMost is not { } most || bytes <= most)
        && (Model is null || IsLike(facts.Model ?? "", Model));

    /// <summary>In time that grows with the product of the lengths at most: a pattern is somebody's text.</summary>
    private static bool IsLike(string text, string pattern)
    {
        int at = 0, wanted = 0, star = -1, resume = 0;
        while (at < text.Length)
        {
            if (wanted < pattern.Length && pattern[wanted] == '*') (star, resume) = (wanted++, at);
            else if (wanted < pattern.Length && char.ToUpperInvariant(pattern[wanted]) == char.ToUpperInvariant(text[at]))
                (at, wanted) = (at + 1, wanted + 1);
            else if (star >= 0) (wanted, at) = (star + 1, ++resume);
            else return false;
        }
        return pattern.AsSpan(wanted).TrimStart('*').IsEmpty;
    }
}

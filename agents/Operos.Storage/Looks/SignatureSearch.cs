using Operos.Storage.Signatures;

namespace Operos.Storage.Looks;

/// <summary>Finds every signature on a disk, at all places, not the one that a tool would act on.</summary>
internal static class SignatureSearch
{
    /// <summary>Places that lie this close together are read at once.</summary>
    private const int Gap = 64 * 1024;

    private const int LongestWindow = 1 << 20;

    private readonly record struct Candidate(SignatureForm Form, long Offset, int Length)
    {
        public long End => Offset + Length;
    }

    /// <summary>In the order of their places.</summary>
    public static IReadOnlyList<Signature> Find(BoundedReads reads)
    {
        var found = new List<Signature>();
        var candidates = Candidates(reads.DiskBytes);
        for (int first = 0, next; first < candidates.Count; first = next)
        {
            var end = candidates[first].End;
            for (next = first + 1; next < candidates.Count && candidates[next].Offset <= end + Gap
                && Math.Max(end, candidates[next].End) - candidates[first].Offset <= LongestWindow; next++)
                end = Math.Max(end, candidates[next].End);
            Judge(reads, candidates[first..next], end, found);
        }
        // A form may have several magics, and places of two sector sizes may be one.
        return [.. found.DistinctBy(signature => (signature.Name, signature.Offset))];
    }

    private static void Judge(BoundedReads reads, List<Candidate> candidates, long end, List<Signature> found)
    {
        var start = candidates[0].Offset;
        if (reads.TryRead(start, (int)(end - start), out var window))
        {
            if (!window.ContainsAnyExcept((byte)0)) return;
            foreach (var candidate in candidates) Judge(candidate, window.Slice((int)(candidate.Offset - start), candidate.Length), found);
            return;
        }
        // Something in it cannot be read: what can be is judged, with zeros in the place of what cannot.
        var parts = new byte[end - start];
        for (long at = start, next; at < end; at = next)
        {
            next = Math.Min(end, (at / ErasePattern.Block + 1) * ErasePattern.Block);
            if (reads.TryRead(at, (int)(next - at), out var part)) part.CopyTo(parts.AsSpan((int)(at - start)));
        }
        foreach (var candidate in candidates)
            Judge(candidate, parts.AsSpan((int)(candidate.Offset - start), candidate.Length), found);
    }

    private static void Judge(Candidate candidate, ReadOnlySpan<byte> bytes, List<Signature> found)
    {
        if (candidate.Form.Match(bytes) is var at && at >= 0)
            found.Add(new(candidate.Form.Name, candidate.Form.Kind, candidate.Offset, candidate.Offset + at));
    }

    private static List<Candidate> Candidates(long bytes)
    {
        var candidates = new List<Candidate>();
        foreach (var form in KnownForms.All)
        {
            foreach (var place in form.Places)
            {
                if (place.On(bytes) is { } offset) candidates.Add(new(form, offset, (int)Math.Min(form.Length, bytes - offset)));
            }
        }
        candidates.Sort((one, other) => one.Offset.CompareTo(other.Offset));
        return candidates;
    }
}

namespace Operos.Ceph.Pools;

/// <summary>How an image, and its volume, is called: after the UID of its claim, as Kubernetes' own provisioners do.</summary>
public static class ImageName
{
    private const string Prefix = "pvc-";

    /// <summary>Of the claim with this UID.</summary>
    public static string Of(Guid claim) => Prefix + claim;

    /// <summary>Whether a volume, and its image, may be called so: nothing else ever becomes part of a path or a command.</summary>
    public static bool IsValid(string? text) => text is not null && text.StartsWith(Prefix, StringComparison.Ordinal)
        && Guid.TryParseExact(text.AsSpan(Prefix.Length), "D", out var claim) && Of(claim) == text;
}

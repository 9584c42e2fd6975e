namespace Operos.Storage.Signatures;

/// <summary>Something known stands on a disk.</summary>
/// <param name="Name">What an operator calls it, such as <c>XFS</c>.</param>
/// <param name="Offset">Where its structure begins, in bytes from the disk's start.</param>
/// <param name="At">Where the bytes stand that it was known by.</param>
/// <param name="Detail">More about it in words; null where there is none.</param>
public sealed record Signature(string Name, SignatureKind Kind, long Offset, long At, string? Detail = null)
{
    public override string ToString() => $"{Name}{(Detail is null ? "" : $" ({Detail})")} at {OffsetText.Of(Offset)}";
}

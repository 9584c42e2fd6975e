namespace Operos.Storage.Signatures;

/// <summary>Looks for a form's own bytes in a structure.</summary>
/// <param name="structure">As many bytes as the form has, fewer at the end of the disk.</param>
/// <returns>Where they stand in it; -1 where they do not.</returns>
internal delegate int SignatureMatch(ReadOnlySpan<byte> structure);

/// <summary>How a file system, a table or a member of something is known: by which bytes, and where they may stand.</summary>
/// <remarks>
/// A match asks for the magic alone, not for a structure that is whole: what is damaged was somebody's too.
/// </remarks>
internal sealed record SignatureForm(string Name, SignatureKind Kind, int Length, IReadOnlyList<Place> Places, SignatureMatch Match)
{
    /// <param name="at">Where in the structure the magic stands.</param>
    public static SignatureForm Of(string name, SignatureKind kind, int at, ReadOnlySpan<byte> magic, params Place[] places)
    {
        var bytes = magic.ToArray();
        return new(name, kind, at + bytes.Length, places,
            structure => structure.Length >= at + bytes.Length && structure.Slice(at, bytes.Length).SequenceEqual(bytes) ? at : -1);
    }

    /// <summary>Any one of several magics of one length at one place.</summary>
    public static SignatureForm OfAny(string name, SignatureKind kind, int at, byte[][] magics, params Place[] places) =>
        new(name, kind, at + magics[0].Length, places, structure =>
        {
            if (structure.Length < at + magics[0].Length) return -1;
            foreach (var magic in magics)
            {
                if (structure[at..].StartsWith(magic)) return at;
            }
            return -1;
        });
}

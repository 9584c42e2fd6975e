namespace Operos.Storage;

/// <summary>What a disk holds where nobody wrote: zeros, or ones, as flash that was erased reads.</summary>
internal static class ErasePattern
{
    /// <summary>What is judged at once: a block is erased whole or not at all.</summary>
    public const int Block = 4096;

    /// <summary>Whether each block of 4 KiB, counted from the first byte, is all zeros or all ones.</summary>
    public static bool IsErased(ReadOnlySpan<byte> bytes) => FirstWritten(bytes) < 0;

    /// <summary>Where the first block begins that is neither; -1 where all are.</summary>
    public static int FirstWritten(ReadOnlySpan<byte> bytes)
    {
        // Most often all is one or the other.
        if (!bytes.ContainsAnyExcept((byte)0)) return -1;
        for (var at = 0; at < bytes.Length; at += Block)
        {
            var block = bytes.Slice(at, Math.Min(Block, bytes.Length - at));
            if (block[0] is not (0 or 0xFF) || block.ContainsAnyExcept(block[0])) return at;
        }
        return -1;
    }
}

namespace Operos.Csi.Connections;

/// <summary>A block of headers in HTTP/2 (HPACK, RFC 7541), as far as it can be read without the tables that it refers to.</summary>
internal static class HeaderBlock
{
    /// <summary>RFC 9113, HEADERS.</summary>
    private const byte Padded = 0x8, WithPriority = 0x20;
    /// <summary>In the static table.</summary>
    private const int Authority = 1;
    private const byte Letter = (byte)'a';

    /// <summary>
    /// Replaces each value of <c>:authority</c> that is written out by as many letters, so that no length changes. One that refers to a
    /// value before refers to letters by then. What cannot be read stays as it is.
    /// </summary>
    /// <param name="payload">Of a HEADERS frame.</param>
    public static void ReplaceAuthority(Span<byte> payload, byte flags)
    {
        var at = ((flags & Padded) != 0 ? 1 : 0) + ((flags & WithPriority) != 0 ? 5 : 0);
        while (at < payload.Length)
        {
            var first = payload[at];
            // Indexed, or a new size of the table: one number alone.
            if ((first & 0x80) != 0 || (first & 0xe0) == 0x20)
            {
                if (!TryReadNumber(payload, ref at, (first & 0x80) != 0 ? 7 : 5, out _)) return;
                continue;
            }
            if (!TryReadNumber(payload, ref at, (first & 0x40) != 0 ? 6 : 4, out var name)) return;
            if (name == 0 && !TryReadText(payload, ref at, out _, out _)) return;
            if (!TryReadText(payload, ref at, out var head, out var value)) return;
            if (name != Authority) continue;
            // Letters as they are, not as a Huffman code.
            payload[head] &= 0x7f;
            payload[value].Fill(Letter);
        }
    }

    /// <param name="head">Where its length is.</param>
    private static bool TryReadText(ReadOnlySpan<byte> block, ref int at, out int head, out Range value)
    {
        (head, value) = (at, default);
        if (!TryReadNumber(block, ref at, 7, out var length) || length > block.Length - at) return false;
        value = at..(at + length);
        at += length;
        return true;
    }

    /// <summary>RFC 7541, 5.1.</summary>
    private static bool TryReadNumber(ReadOnlySpan<byte> block, ref int at, int bits, out int number)
    {
        number = 0;
        if (at >= block.Length) return false;
        var most = (1 << bits) - 1;
        number = block[at++] & most;
        if (number < most) return true;
        for (var shift = 0; at < block.Length && shift <= 21; shift += 7)
        {
            var next = block[at++];
            number += (next & 0x7f) << shift;
            if ((next & 0x80) == 0) return true;
        }
        return false;
    }
}

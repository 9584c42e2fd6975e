using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Operos.Backup;

/// <summary>The key derivation function scrypt (RFC 7914), with a parallelization of 1: .NET has none.</summary>
internal static class Scrypt
{
    private const int WordsOfBlock = 16;

    /// <param name="logCost">The logarithm to base 2 of the cost N; it takes 128 * N * <paramref name="blockSize"/> bytes.</param>
    /// <param name="length">Of the key, in bytes.</param>
    public static byte[] DeriveKey(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int logCost, int blockSize, int length)
    {
        var words = 32 * blockSize;
        var bytes = Rfc2898DeriveBytes.Pbkdf2(password, salt, 1, HashAlgorithmName.SHA256, words * sizeof(uint));
        var block = new uint[words];
        for (var index = 0; index < words; index++) block[index] = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(index * 4));
        Mix(block, 1 << logCost);
        for (var index = 0; index < words; index++) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(index * 4), block[index]);
        return Rfc2898DeriveBytes.Pbkdf2(password, bytes, 1, HashAlgorithmName.SHA256, length);
    }

    /// <summary>scryptROMix (section 5).</summary>
    private static void Mix(uint[] block, int cost)
    {
        var (words, other) = (block.Length, new uint[block.Length]);
        var table = new uint[(long)cost * words];
        for (var step = 0; step < cost; step++)
        {
            block.CopyTo(table.AsSpan(step * words));
            MixBlocks(block, other);
            (block, other) = (other, block);
        }
        for (var step = 0; step < cost; step++)
        {
            // The last of the blocks as a number; the cost is a power of 2.
            var chosen = (int)(block[words - WordsOfBlock] & (uint)(cost - 1));
            var row = table.AsSpan(chosen * words, words);
            for (var index = 0; index < words; index++) block[index] ^= row[index];
            MixBlocks(block, other);
            (block, other) = (other, block);
        }
        // An even number of exchanges: what was given holds the result.
    }

    /// <summary>scryptBlockMix (section 4): even blocks first, then odd ones.</summary>
    private static void MixBlocks(ReadOnlySpan<uint> from, Span<uint> to)
    {
        Span<uint> state = stackalloc uint[WordsOfBlock];
        from[^WordsOfBlock..].CopyTo(state);
        var (count, half) = (from.Length / WordsOfBlock, from.Length / WordsOfBlock / 2);
        for (var block = 0; block < count; block++)
        {
            for (var index = 0; index < WordsOfBlock; index++) state[index] ^= from[block * WordsOfBlock + index];
            Salsa(state);
            state.CopyTo(to[(((block & 1) * half + block / 2) * WordsOfBlock)..]);
        }
    }

    /// <summary>Salsa20/8 (section 3).</summary>
    private static void Salsa(Span<uint> state)
    {
        Span<uint> x = stackalloc uint[WordsOfBlock];
        state.CopyTo(x);
        for (var round = 0; round < 8; round += 2)
        {
            for (var column = 0; column < 4; column++)
                Quarter(x, column * 5, (column * 5 + 4) & 15, (column * 5 + 8) & 15, (column * 5 + 12) & 15);
            for (var row = 0; row < 4; row++)
                Quarter(x, row * 5, row * 4 + ((row + 1) & 3), row * 4 + ((row + 2) & 3), row * 4 + ((row + 3) & 3));
        }
        for (var index = 0; index < WordsOfBlock; index++) state[index] += x[index];
    }

    private static void Quarter(Span<uint> x, int a, int b, int c, int d)
    {
        x[b] ^= BitOperations.RotateLeft(x[a] + x[d], 7);
        x[c] ^= BitOperations.RotateLeft(x[b] + x[a], 9);
        x[d] ^= BitOperations.RotateLeft(x[c] + x[b], 13);
        x[a] ^= BitOperations.RotateLeft(x[d] + x[c], 18);
    }
}

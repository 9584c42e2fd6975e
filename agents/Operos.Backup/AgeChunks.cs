using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Operos.Backup;

/// <summary>
/// What follows the head of an age file: chunks of 64 KiB, each encrypted and authenticated with its number and whether it is the last
/// (STREAM with ChaCha20-Poly1305), so that none can be changed, moved, or cut off.
/// </summary>
internal sealed class AgeChunks : IDisposable
{
    public const int ChunkBytes = 1 << 16, TagBytes = 16, NonceBytes = 16;

    private readonly ChaCha20Poly1305 cipher;
    private readonly byte[] nonce = new byte[12];
    private ulong number;

    public AgeChunks(byte[] key, byte[] payloadNonce) => cipher = new(AgeHeader.PayloadKey(key, payloadNonce));

    public void Seal(ReadOnlySpan<byte> plain, Span<byte> sealedChunk, bool isLast) =>
        cipher.Encrypt(Next(isLast), plain, sealedChunk[..plain.Length], sealedChunk[plain.Length..]);

    /// <exception cref="AuthenticationTagMismatchException">It is not this chunk.</exception>
    public void Open(ReadOnlySpan<byte> sealedChunk, Span<byte> plain, bool isLast) =>
        cipher.Decrypt(Next(isLast), sealedChunk[..^TagBytes], sealedChunk[^TagBytes..], plain);

    public void Dispose() => cipher.Dispose();

    private byte[] Next(bool isLast)
    {
        BinaryPrimitives.WriteUInt64BigEndian(nonce.AsSpan(3), number++);
        nonce[^1] = isLast ? (byte)1 : (byte)0;
        return nonce;
    }
}

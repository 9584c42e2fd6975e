using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Operos.Storage.Work;

namespace Operos.Storage.Wipes;

/// <summary>An order to wipe one disk, as it was seen, on one machine, until it expires. It is signed by the cluster's authority.</summary>
/// <remarks>
/// Little-endian, lengths before texts (UTF-8): prefix, id (16), machine (16), issued and expires in seconds since 1970 (8 each), disk,
/// evidence. Identifiers are in the order of their text.
/// </remarks>
public sealed record WipeOrder
{
    /// <summary>The most bytes of an order.</summary>
    public const int Longest = 1024;

    private const int FixedBytes = 16 + 16 + 8 + 8, EvidenceChars = 64;

    /// <summary>What is no text is not read as another one.</summary>
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Nothing else that the authority signs begins so.</summary>
    private static ReadOnlySpan<byte> Prefix => "operos order: wipe a disk, 1\n"u8;

    public required Guid Id { get; init; }
    public required Guid Machine { get; init; }
    /// <summary>Its <see cref="DiskIdentity"/>.</summary>
    public required string Disk { get; init; }
    /// <summary>Its <see cref="SeenEvidence"/>.</summary>
    public required string Evidence { get; init; }
    public required DateTimeOffset Issued { get; init; }
    public required DateTimeOffset Expires { get; init; }

    /// <summary>What is signed.</summary>
    public byte[] ToBytes()
    {
        var (disk, evidence) = (Encoding.UTF8.GetBytes(Disk), Encoding.UTF8.GetBytes(Evidence));
        var bytes = new byte[Prefix.Length + FixedBytes + 4 + disk.Length + evidence.Length];
        if (bytes.Length > Longest) throw new ArgumentException($"an order of {bytes.Length} bytes");
        Prefix.CopyTo(bytes);
        var rest = bytes.AsSpan(Prefix.Length);
        Id.TryWriteBytes(rest, bigEndian: true, out _);
        Machine.TryWriteBytes(rest[16..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(rest[32..], Issued.ToUnixTimeSeconds());
        BinaryPrimitives.WriteInt64LittleEndian(rest[40..], Expires.ToUnixTimeSeconds());
        rest = Put(rest[FixedBytes..], disk);
        Put(rest, evidence);
        return bytes;
    }

    /// <summary>Reads one; whose it is, its signature says.</summary>
    /// <exception cref="StorageException">It is none.</exception>
    public static WipeOrder Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Longest || !bytes.StartsWith(Prefix) || bytes.Length < Prefix.Length + FixedBytes)
            throw new StorageException("an order to wipe a disk is none: it does not begin as one does");
        var rest = bytes[Prefix.Length..];
        var (id, machine) = (new Guid(rest[..16], bigEndian: true), new Guid(rest.Slice(16, 16), bigEndian: true));
        var (issued, expires) = (TimeOf(rest[32..]), TimeOf(rest[40..]));
        rest = Take(rest[FixedBytes..], out var disk);
        rest = Take(rest, out var evidence);
        if (!rest.IsEmpty || id == Guid.Empty || issued == DateTimeOffset.MinValue || expires == DateTimeOffset.MinValue
            || disk.Length is 0 or > DiskIdentity.Longest || disk.Any(char.IsControl)
            || evidence.Length != EvidenceChars || !evidence.All(char.IsAsciiHexDigitLower))
            throw new StorageException("an order to wipe a disk is damaged");
        return new() { Id = id, Machine = machine, Disk = disk, Evidence = evidence, Issued = issued, Expires = expires };
    }

    /// <summary>Signs it: ECDSA over SHA-256, in the form of RFC 3279.</summary>
    public byte[] Sign(ECDsa authority) =>
        authority.SignData(ToBytes(), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>Reads an order that the authority signed.</summary>
    /// <param name="authority">The pinned authority's public key.</param>
    /// <exception cref="StorageException">The signature is not its, or it is no order.</exception>
    public static WipeOrder Verified(ReadOnlySpan<byte> order, ReadOnlySpan<byte> signature, ECDsa authority) =>
        order.Length <= Longest && signature.Length <= Longest
            && authority.VerifyData(order, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
            ? Parse(order) : throw new StorageException("an order to wipe a disk is not signed by the cluster's authority");

    private static Span<byte> Put(Span<byte> bytes, byte[] text)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)text.Length);
        text.CopyTo(bytes[2..]);
        return bytes[(2 + text.Length)..];
    }

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> bytes, out string text)
    {
        text = "";
        if (bytes.Length < 2) return bytes;
        var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        if (bytes.Length - 2 < length) return bytes;
        try { text = Utf8.GetString(bytes.Slice(2, length)); }
        catch (DecoderFallbackException) { return bytes; }
        return bytes[(2 + length)..];
    }

    /// <summary>One of this century or the next; the least where it is none.</summary>
    private static DateTimeOffset TimeOf(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt64LittleEndian(bytes) is var seconds
        && seconds is > 0 and <= uint.MaxValue ? DateTimeOffset.FromUnixTimeSeconds(seconds) : DateTimeOffset.MinValue;
}

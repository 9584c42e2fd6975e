using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Operos.Storage.Records;

/// <summary>Whose a disk is, as it says itself: 512 bytes that no partition table has to point to.</summary>
/// <remarks>
/// It is a claim, not a proof: whoever can write the disk can write one. Little-endian: 0 magic (16 bytes), 16 version (2), 18 number of
/// the copy (1), 19 work (1), 24 sequence (8), 32 cluster (32), 64 disk (16), 80 machine (16), 96 partition table (16), 112 size of the
/// disk (8), 120 time in seconds since 1970 (8), 128 the machine's token or zeros (32), 480 SHA-256 of the bytes before; all others are
/// zero. Identifiers are in the order of their text.
/// </remarks>
public sealed record DiskRecord
{
    public const int Version = 1;

    /// <summary>The bytes of a record.</summary>
    public const int Length = 512;

    private const int ClusterBytes = 32, TokenAt = 128, DigestAt = 480;

    /// <summary>No text: bytes that a transfer as text would damage are among them.</summary>
    internal static ReadOnlySpan<byte> Magic => "Operos disk\0\r\n\u001a\n"u8;

    /// <summary>SHA-256 of the certificate of the cluster's authority, in hex, lower case.</summary>
    public required string Cluster { get; init; }
    public required Guid Disk { get; init; }
    /// <summary>The machine that last put it to work.</summary>
    public required Guid Machine { get; init; }
    /// <summary>The GUID that the disk's GPT has, or will have when it is written.</summary>
    public required Guid Table { get; init; }
    public required DiskWork Work { get; init; }
    /// <summary>One more with each change.</summary>
    public required ulong Sequence { get; init; }
    /// <summary>The disk's size in bytes when this was written: the second copy's place follows from it.</summary>
    public required long Bytes { get; init; }
    public required DateTimeOffset Written { get; init; }
    /// <summary>What the machine proves itself with; null before it was given one.</summary>
    public MachineToken? Token { get; init; }

    /// <summary>Where the copies stand on a disk of so many bytes; of a size that is too small, none.</summary>
    /// <remarks>
    /// Both lie outside of what tables of either sector size take (24 KiB at each end): the first before partitions that begin at 1 MiB,
    /// the second in the last whole MiB, which the layout leaves free.
    /// </remarks>
    public static IReadOnlyList<long> PlacesOn(long bytes)
    {
        const long mebibyte = 1 << 20, first = 768 << 10;
        return bytes < 4 * mebibyte ? [] : [first, bytes / mebibyte * mebibyte - mebibyte];
    }

    /// <summary>The record as it stands on a disk.</summary>
    /// <param name="copy">0 or 1.</param>
    public byte[] ToBytes(int copy)
    {
        var bytes = new byte[Length];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(16), Version);
        bytes[18] = (byte)copy;
        bytes[19] = (byte)Work;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), Sequence);
        var cluster = Convert.FromHexString(Cluster);
        if (cluster.Length != ClusterBytes) throw new ArgumentException($"{Cluster} is no cluster");
        cluster.CopyTo(bytes, 32);
        Disk.TryWriteBytes(bytes.AsSpan(64), bigEndian: true, out _);
        Machine.TryWriteBytes(bytes.AsSpan(80), bigEndian: true, out _);
        Table.TryWriteBytes(bytes.AsSpan(96), bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(112), Bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(120), Written.ToUnixTimeSeconds());
        Token?.Bytes.CopyTo(bytes.AsSpan(TokenAt));
        SHA256.HashData(bytes.AsSpan(0, DigestAt), bytes.AsSpan(DigestAt));
        return bytes;
    }

    /// <summary>Reads what stands where a copy has its place: a block of 4 KiB.</summary>
    internal static RecordCopy Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Length) return new(RecordState.Unreadable);
        if (ErasePattern.IsErased(bytes)) return new(RecordState.Blank);
        // Behind a record nobody writes, and a write of it that was cut leaves zeros or what was erased.
        if (bytes[Length..].ContainsAnyExcept((byte)0, (byte)0xFF)) return new(RecordState.Foreign);
        if (!bytes.StartsWith(Magic)) return new(IsTornMagic(bytes) ? RecordState.Torn : RecordState.Foreign);
        var version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[16..]);
        var cluster = Convert.ToHexStringLower(bytes.Slice(32, ClusterBytes));
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..DigestAt], digest);
        var isWhole = digest.SequenceEqual(bytes.Slice(DigestAt, digest.Length));
        if (!isWhole) return new(RecordState.Torn) { TornCluster = cluster };
        if (version != Version) return new(RecordState.Newer);
        var record = new DiskRecord
        {
            Cluster = cluster, Sequence = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]), Work = (DiskWork)bytes[19],
            Disk = new Guid(bytes.Slice(64, 16), bigEndian: true), Machine = new Guid(bytes.Slice(80, 16), bigEndian: true),
            Table = new Guid(bytes.Slice(96, 16), bigEndian: true), Bytes = BinaryPrimitives.ReadInt64LittleEndian(bytes[112..]),
            Written = TimeOf(BinaryPrimitives.ReadInt64LittleEndian(bytes[120..])),
            Token = MachineToken.Of(bytes.Slice(TokenAt, MachineToken.Length)),
        };
        // What no version that is known writes, and is whole all the same, was not cut: somebody meant it.
        return Enum.IsDefined(record.Work) && record.Bytes > 0 && record.Disk != Guid.Empty
            ? new(RecordState.Whole) { Record = record } : new(RecordState.Newer);
    }

    /// <summary>The first bytes of the magic, and nothing after them.</summary>
    private static bool IsTornMagic(ReadOnlySpan<byte> bytes)
    {
        var written = bytes.CommonPrefixLength(Magic);
        return written > 0 && bytes[written] is 0 or 0xFF && !bytes[written..].ContainsAnyExcept(bytes[written]);
    }

    private static DateTimeOffset TimeOf(long seconds) => DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(seconds, 0, uint.MaxValue));
}

using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Operos.Ceph;

/// <summary>
/// A secret of cephx, as Ceph's tools write it (CryptoKey::encode): base64 of type 1 (AES), when it was made, and 16 bytes. It is never
/// printed by accident: <see cref="ToString"/> tells none of it.
/// </summary>
public sealed class CephKey
{
    public const int SecretBytes = 16;
    private const int HeaderBytes = 12;
    private const ushort Aes = 1;

    private CephKey(byte[] encoded) => Text = Convert.ToBase64String(encoded);

    /// <summary>What stands in a keyring.</summary>
    public string Text { get; }

    /// <summary>A new one.</summary>
    public static CephKey Make() => Of(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>The same secret is the same key, whenever it is made: it tells no time.</summary>
    public static CephKey Of(ReadOnlySpan<byte> secret)
    {
        if (secret.Length != SecretBytes) throw new ArgumentException($"a secret has {SecretBytes} bytes", nameof(secret));
        var encoded = new byte[HeaderBytes + SecretBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(encoded, Aes);
        BinaryPrimitives.WriteUInt16LittleEndian(encoded.AsSpan(HeaderBytes - sizeof(ushort)), SecretBytes);
        secret.CopyTo(encoded.AsSpan(HeaderBytes));
        return new CephKey(encoded);
    }

    /// <returns>Null where it is none.</returns>
    public static CephKey? Parse(string? text)
    {
        Span<byte> encoded = stackalloc byte[HeaderBytes + SecretBytes];
        return text is { Length: (HeaderBytes + SecretBytes + 2) / 3 * 4 } && Convert.TryFromBase64String(text, encoded, out var count)
            && count == encoded.Length && BinaryPrimitives.ReadUInt16LittleEndian(encoded) == Aes
            && BinaryPrimitives.ReadUInt16LittleEndian(encoded[(HeaderBytes - sizeof(ushort))..]) == SecretBytes
            ? new CephKey(encoded.ToArray()) : null;
    }

    public override string ToString() => "a key of Ceph";
}

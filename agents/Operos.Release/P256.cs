namespace Operos.Release;

/// <summary>The two encodings that a release's signature needs, read strictly, for a verifier of any library.</summary>
public static class P256
{
    /// <summary>Bytes of a coordinate or of half a signature.</summary>
    public const int NumberSize = 32;

    /// <summary>SubjectPublicKeyInfo up to the point, for an uncompressed key on P-256 (RFC 5480).</summary>
    private static ReadOnlySpan<byte> KeyPrefix =>
    [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];

    /// <summary>The most keys that are trusted at a time; more are a mistake.</summary>
    public const int MaxKeys = 8;

    private const string Begin = "-----BEGIN PUBLIC KEY-----", End = "-----END PUBLIC KEY-----";

    /// <summary>Reads the points of the public keys in a PEM text, in their order, as <see cref="ReadPublicKey"/> reads one.</summary>
    /// <exception cref="ReleaseFormatException">There are none or more than <see cref="MaxKeys"/>, or one is no such key.</exception>
    public static IReadOnlyList<byte[]> ReadPublicKeys(string pem)
    {
        var keys = new List<byte[]>();
        var at = -1;
        while (keys.Count <= MaxKeys && (at = pem.IndexOf(Begin, at + 1, StringComparison.Ordinal)) >= 0)
            keys.Add(ReadPublicKey(pem[at..]));
        if (keys.Count is 0 or > MaxKeys) throw new ReleaseFormatException($"there must be 1 to {MaxKeys} release keys, PEM public keys");
        return keys;
    }

    /// <summary>Writes a point as SubjectPublicKeyInfo, DER.</summary>
    public static byte[] WritePublicKey(ReadOnlySpan<byte> point) => [.. KeyPrefix, .. point];

    /// <summary>Reads the point of a PEM public key, the first one of the text: x, then y, 64 bytes.</summary>
    /// <exception cref="ReleaseFormatException">It is no P-256 public key in PEM.</exception>
    public static byte[] ReadPublicKey(string pem)
    {
        var start = pem.IndexOf(Begin, StringComparison.Ordinal);
        var stop = pem.IndexOf(End, StringComparison.Ordinal);
        if (start < 0 || stop < start || stop - start > 512) throw new ReleaseFormatException("the release key is no PEM public key");
        var der = new byte[512];
        if (!Convert.TryFromBase64String(pem[(start + Begin.Length)..stop].ReplaceLineEndings("").Trim(), der, out var length)
            || length != KeyPrefix.Length + 2 * NumberSize || !der.AsSpan().StartsWith(KeyPrefix))
            throw new ReleaseFormatException("the release key is no P-256 public key (SubjectPublicKeyInfo)");
        return der[KeyPrefix.Length..length];
    }

    /// <summary>Reads a DER ECDSA-Sig-Value (RFC 3279, 2.2.3): r, then s, each 32 bytes big-endian, 64 bytes in all.</summary>
    /// <exception cref="ReleaseFormatException">It is not exactly that.</exception>
    public static byte[] ReadSignature(ReadOnlySpan<byte> der)
    {
        if (der.Length is < 8 or > 72 || der[0] != 0x30 || der[1] != der.Length - 2) throw Malformed();
        var numbers = new byte[2 * NumberSize];
        var rest = ReadInteger(der[2..], numbers.AsSpan(0, NumberSize));
        if (!ReadInteger(rest, numbers.AsSpan(NumberSize)).IsEmpty) throw Malformed();
        return numbers;
    }

    private static ReadOnlySpan<byte> ReadInteger(ReadOnlySpan<byte> der, Span<byte> number)
    {
        if (der.Length < 3 || der[0] != 0x02 || der[1] is 0 or > NumberSize + 1 || der.Length < 2 + der[1]) throw Malformed();
        var value = der.Slice(2, der[1]);
        // Positive, and no byte longer than it must be.
        if ((value[0] & 0x80) != 0 || (value[0] == 0 && value.Length > 1 && (value[1] & 0x80) == 0)) throw Malformed();
        if (value[0] == 0) value = value[1..];
        if (value.Length > NumberSize) throw Malformed();
        value.CopyTo(number[(NumberSize - value.Length)..]);
        return der[(2 + der[1])..];
    }

    private static ReleaseFormatException Malformed() => new("release.json.sig is no DER ECDSA P-256 signature");
}

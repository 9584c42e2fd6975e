using Operos.Linux;
using Operos.Release;

namespace Operos.Init.Fetch;

/// <summary>The trust anchor of the initramfs: what it did not sign is not mounted.</summary>
internal sealed class ReleaseVerifier
{
    public const string AnchorFolder = "/etc/operos/anchor";
    private readonly IReadOnlyList<byte[]> publicKeys;

    /// <param name="pem">The keys that are trusted, one or more.</param>
    public ReleaseVerifier(string pem) => publicKeys = P256.ReadPublicKeys(pem);

    /// <exception cref="ReleaseFormatException">The signature is no trusted key's, or the manifest is malformed.</exception>
    public ReleaseManifest Verify(ReadOnlySpan<byte> manifest, ReadOnlySpan<byte> signature)
    {
        var numbers = P256.ReadSignature(signature);
        Span<byte> digest = stackalloc byte[Nettle.Sha256Size];
        Nettle.Sha256(manifest, digest);
        foreach (var key in publicKeys)
        {
            var (x, y, r, s) = (key.AsMemory(0, 32), key.AsMemory(32), numbers.AsMemory(0, 32), numbers.AsMemory(32));
            if (Nettle.VerifyP256(x.Span, y.Span, digest, r.Span, s.Span)) return ReleaseManifest.Parse(manifest);
        }
        throw new ReleaseFormatException("release.json is not signed by this cluster's release keys");
    }

    /// <summary>Whether a chunk is the one that the manifest names.</summary>
    public static bool Matches(ReadOnlySpan<byte> chunk, string sha256)
    {
        Span<byte> digest = stackalloc byte[Nettle.Sha256Size];
        Nettle.Sha256(chunk, digest);
        return Convert.ToHexStringLower(digest) == sha256;
    }
}

using Operos.Linux;
using Operos.Release;

namespace Operos.Init.Fetch;

/// <summary>The trust anchor of the initramfs: what it did not sign is not mounted.</summary>
internal sealed class ReleaseVerifier
{
    public const string AnchorFolder = "/etc/operos/anchor";
    private readonly byte[] publicKey;

    public ReleaseVerifier(string pem) => publicKey = P256.ReadPublicKey(pem);

    /// <exception cref="ReleaseFormatException">The signature is not the release key's, or the manifest is malformed.</exception>
    public ReleaseManifest Verify(ReadOnlySpan<byte> manifest, ReadOnlySpan<byte> signature)
    {
        var numbers = P256.ReadSignature(signature);
        Span<byte> digest = stackalloc byte[Nettle.Sha256Size];
        Nettle.Sha256(manifest, digest);
        if (!Nettle.VerifyP256(publicKey.AsSpan(0, 32), publicKey.AsSpan(32), digest, numbers.AsSpan(0, 32), numbers.AsSpan(32)))
            throw new ReleaseFormatException("release.json is not signed by this cluster's release key");
        return ReleaseManifest.Parse(manifest);
    }

    /// <summary>Whether a chunk is the one that the manifest names.</summary>
    public static bool Matches(ReadOnlySpan<byte> chunk, string sha256)
    {
        Span<byte> digest = stackalloc byte[Nettle.Sha256Size];
        Nettle.Sha256(chunk, digest);
        return Convert.ToHexStringLower(digest) == sha256;
    }
}

using System.Security.Cryptography;
using CsCheck;
using Operos.Init.Fetch;
using Operos.Linux;
using Operos.Release;

namespace Operos.Init.Tests;

/// <summary>PID 1's cryptography against the runtime's: two libraries must agree on what is signed.</summary>
public sealed class ReleaseVerifierTests
{
    [Fact]
    public void SHA_256_agrees_for_every_length() =>
        Gen.Byte.Array[0, 5000].Sample(bytes =>
        {
            var digest = new byte[32];
            Nettle.Sha256(bytes, digest);
            return digest.AsSpan().SequenceEqual(SHA256.HashData(bytes));
        });

    [Fact]
    public void Signatures_agree_and_any_change_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = P256.ReadPublicKey(key.ExportSubjectPublicKeyInfoPem());
        Gen.Select(Gen.Byte.Array[1, 200], Gen.Int[0, 63], Gen.Int[0, 7]).Sample((data, position, bit) =>
        {
            var numbers = P256.ReadSignature(key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
            var digest = SHA256.HashData(data);
            Assert.True(Nettle.VerifyP256(point.AsSpan(0, 32), point.AsSpan(32), digest, numbers.AsSpan(0, 32), numbers.AsSpan(32)));
            numbers[position] ^= (byte)(1 << bit);
            Assert.False(Nettle.VerifyP256(point.AsSpan(0, 32), point.AsSpan(32), digest, numbers.AsSpan(0, 32), numbers.AsSpan(32)));
        }, iter: 200, threads: 1);
    }

    [Fact]
    public void A_manifest_of_another_key_is_refused()
    {
        using var ours = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var theirs = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var verifier = new ReleaseVerifier(ours.ExportSubjectPublicKeyInfoPem());
        var bytes = "{}"u8.ToArray();
        var signature = theirs.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        Assert.Contains("not signed", Assert.Throws<ReleaseFormatException>(() => verifier.Verify(bytes, signature)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_of_another_curve_are_refused()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Throws<ReleaseFormatException>(() => new ReleaseVerifier(other.ExportSubjectPublicKeyInfoPem()));
    }
}

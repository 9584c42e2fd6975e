using System.Security.Cryptography;
using System.Text;
using Operos.Linux;

namespace Operos.Release.Publishing;

/// <summary>
/// The key pair that signs releases: ECDSA on P-256, PEM, <c>release.key</c> (PKCS #8) and <c>release.pub</c> (SubjectPublicKeyInfo).
/// </summary>
public static class ReleaseKey
{
    public const string PrivateName = "release.key";
    public const string PublicName = "release.pub";

    /// <summary>Makes a key pair in a folder.</summary>
    /// <exception cref="IOException">A key is there already: releases in use are signed by it.</exception>
    public static void Generate(string folder)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, PrivateName);
        if (File.Exists(path)) throw new IOException($"{path} exists: releases in use are signed by it; choose another folder");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AtomicFile.Write(Path.Combine(folder, PublicName), Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem() + "\n"),
            FileModes.Readable);
        AtomicFile.Write(path, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
    }

    /// <summary>Signs bytes: DER ECDSA-Sig-Value over their SHA-256.</summary>
    public static byte[] Sign(ReadOnlySpan<byte> data, string privateKeyPem)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(privateKeyPem);
        return key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    /// <summary>Whether one of the trusted keys signed the bytes.</summary>
    /// <param name="publicKeysPem">One or more public keys.</param>
    public static bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, string publicKeysPem)
    {
        var numbers = P256.ReadSignature(signature);
        foreach (var point in P256.ReadPublicKeys(publicKeysPem))
        {
            using var key = ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = point[..P256.NumberSize], Y = point[P256.NumberSize..] },
            });
            if (key.VerifyData(data, numbers, HashAlgorithmName.SHA256)) return true;
        }
        return false;
    }

    /// <summary>A public key's short name: the first 16 digits of the SHA-256 of its SubjectPublicKeyInfo.</summary>
    public static string Fingerprint(ReadOnlySpan<byte> point) =>
        Convert.ToHexStringLower(SHA256.HashData(P256.WritePublicKey(point)))[..16];

    /// <summary>Public keys as one PEM text.</summary>
    public static string Write(IEnumerable<byte[]> points) =>
        string.Concat(points.Select(point => PemEncoding.WriteString("PUBLIC KEY", P256.WritePublicKey(point)) + "\n"));
}

using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Linux;

namespace Operos.Authority;

/// <summary>What a certificate's holder may do: stands in its subject as OU.</summary>
public enum Role { Worker, Operator }

/// <summary>The cluster's own authority: it certifies machines, operators and the control endpoint.</summary>
public sealed class CertificateAuthority
{
    private const string FileName = "ca";

    private readonly SigningAuthority signing;

    private CertificateAuthority(SigningAuthority signing) => this.signing = signing;

    /// <summary>The CA's certificate, without its key.</summary>
    public X509Certificate2 Certificate => signing.Certificate;

    /// <summary>Opens the authority in a folder, or makes it there once.</summary>
    public static CertificateAuthority OpenOrCreate(string folder, TimeProvider time) =>
        new(SigningAuthority.OpenOrCreate(folder, FileName, "Operos cluster CA", time, FileModes.Readable));

    public static CertificateAuthority Open(string folder, TimeProvider time) => new(SigningAuthority.Open(folder, FileName, time));

    /// <summary>Signs a worker's request for the machine given. Only the request's key is used; its names are the sender's wish.</summary>
    /// <exception cref="CryptographicException">The request is malformed, not signed by its own key, or its key is not P-256.</exception>
    public X509Certificate2 SignWorker(byte[] csr, string machine, TimeSpan life) => SignClient(csr, Name(machine, Role.Worker), life);

    /// <summary>Signs the request of an operator, whose name the caller has checked. Only the request's key is used.</summary>
    /// <exception cref="CryptographicException">As for <see cref="SignWorker"/>.</exception>
    public X509Certificate2 SignOperator(byte[] csr, string user, TimeSpan life) => SignClient(csr, Name(user, Role.Operator), life);

    /// <summary>Has the authority's key sign an order, which begins as no certificate does.</summary>
    public byte[] SignOrder(Func<ECDsa, byte[]> sign) => signing.Use(sign);

    /// <summary>SHA-256 of the public key that a request proves its sender to hold.</summary>
    /// <exception cref="CryptographicException">As <see cref="SignWorker"/>.</exception>
    public static string KeyHash(byte[] csr)
    {
        using var key = SigningAuthority.ReadKey(csr);
        return Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
    }

    /// <summary>SHA-256 of a certificate's public key.</summary>
    public static string KeyHash(X509Certificate2 certificate) =>
        Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    /// <summary>A new key with an operator's certificate, PEM.</summary>
    public (string Certificate, string Key) IssueOperator(string user, TimeSpan life)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issued = Sign(key, Name(user, Role.Operator), KeyPurpose.Client, [], life);
        return (issued.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>A server certificate with a fresh key, in memory only: each start and each renewal makes a new one.</summary>
    /// <param name="name">What clients check, at whatever address they connect to.</param>
    public X509Certificate2 IssueServer(string name, IPAddress address)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string[] names = [name, address.ToString(), IPAddress.Loopback.ToString()];
        using var issued = Sign(key, new X500DistinguishedName($"CN={name}"), KeyPurpose.Server, names, CertificateLives.ControlServer);
        return issued.CopyWithPrivateKey(key);
    }

    /// <summary>Who a verified certificate speaks for; null where it is none of ours.</summary>
    public static (Role Role, string Name)? ReadHolder(X509Certificate2 certificate)
    {
        string? common = null, unit = null;
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements) continue;
            if (part.GetSingleElementType().Value == "2.5.4.3") common = part.GetSingleElementValue();
            else if (part.GetSingleElementType().Value == "2.5.4.11") unit = part.GetSingleElementValue();
        }
        return (unit, common) switch
        {
            ("worker", { } machine) => (Role.Worker, machine),
            ("operator", { } user) => (Role.Operator, user),
            _ => null,
        };
    }

    private X509Certificate2 SignClient(byte[] csr, X500DistinguishedName subject, TimeSpan life)
    {
        using var key = SigningAuthority.ReadKey(csr);
        return Sign(key, subject, KeyPurpose.Client, [], life);
    }

    private X509Certificate2 Sign(
        ECDsa key, X500DistinguishedName subject, KeyPurpose purpose, IReadOnlyList<string> names, TimeSpan life) =>
        signing.Sign(key, subject, purpose, names, life, CertificateLives.Backdate(life));

    private static X500DistinguishedName Name(string common, Role role)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddOrganizationalUnitName(role.ToString().ToLowerInvariant());
        builder.AddCommonName(common);
        return builder.Build();
    }
}

using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Operos.Linux;
using Operos.Proto.Connection;

namespace Operos.Authority;

/// <summary>What a certificate's holder may do: stands in its subject as OU.</summary>
public enum Role { Worker, Operator }

/// <summary>The cluster's certificate authority (X.509, RFC 5280; P-256): its key, what it signs, and its own server certificate.</summary>
public sealed class CertificateAuthority
{
    private const string CaCertificate = "ca.crt", CaKey = "ca.key";
    private static readonly TimeSpan CaLife = TimeSpan.FromDays(3650), ServerLife = TimeSpan.FromDays(365), Backdate = TimeSpan.FromHours(1);
    private const UnixFileMode Public = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1", ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 certificate;
    private readonly TimeProvider time;

    private CertificateAuthority(X509Certificate2 certificate, TimeProvider time)
    {
        this.certificate = certificate;
        this.time = time;
        Certificate = X509CertificateLoader.LoadCertificate(certificate.RawData);
    }

    /// <summary>The CA's certificate, without its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Opens the authority in a folder, or makes it there once.</summary>
    public static CertificateAuthority OpenOrCreate(string folder, TimeProvider time)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (!File.Exists(Path.Combine(folder, CaCertificate))) Create(folder, time);
        return Open(folder, time);
    }

    public static CertificateAuthority Open(string folder, TimeProvider time) =>
        new(X509Certificate2.CreateFromPemFile(Path.Combine(folder, CaCertificate), Path.Combine(folder, CaKey)), time);

    /// <summary>Signs a worker's request for the machine given. Only the request's key is used; its names are the sender's wish.</summary>
    /// <exception cref="CryptographicException">The request is malformed, not signed by its own key, or its key is not P-256.</exception>
    public X509Certificate2 SignWorker(byte[] csr, string machine, TimeSpan life) => SignClient(csr, Name(machine, Role.Worker), life);

    /// <summary>Signs the request of an operator, whose name the caller has checked. Only the request's key is used.</summary>
    /// <exception cref="CryptographicException">As for <see cref="SignWorker"/>.</exception>
    public X509Certificate2 SignOperator(byte[] csr, string user, TimeSpan life) => SignClient(csr, Name(user, Role.Operator), life);

    private X509Certificate2 SignClient(byte[] csr, X500DistinguishedName subject, TimeSpan life)
    {
        using var key = ReadKey(csr);
        return Sign(key, subject, life, ClientAuthentication, null);
    }

    /// <summary>SHA-256 of the public key that a request proves its sender to hold.</summary>
    /// <exception cref="CryptographicException">As <see cref="SignWorker"/>.</exception>
    public static string KeyHash(byte[] csr)
    {
        using var key = ReadKey(csr);
        return Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
    }

    /// <summary>SHA-256 of a certificate's public key.</summary>
    public static string KeyHash(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    private static ECDsa ReadKey(byte[] csr)
    {
        // Loading checks the request's own signature (RFC 2986, 4.2).
        var request = CertificateRequest.LoadSigningRequest(csr, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default);
        var key = request.PublicKey.GetECDsaPublicKey() ?? throw new CryptographicException("the request's key is no EC key");
        if (key.KeySize == 256) return key;
        key.Dispose();
        throw new CryptographicException("the request's key is not on the curve P-256");
    }

    /// <summary>A new key with an operator's certificate, PEM.</summary>
    public (string Certificate, string Key) IssueOperator(string user, TimeSpan life)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issued = Sign(key, Name(user, Role.Operator), life, ClientAuthentication, null);
        return (issued.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>A server certificate with a fresh key, in memory only: each start and each renewal makes a new one.</summary>
    public X509Certificate2 IssueServer(IPAddress address)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(ControlTls.ServerName);
        names.AddIpAddress(address);
        names.AddIpAddress(IPAddress.Loopback);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issued = Sign(key, new X500DistinguishedName($"CN={ControlTls.ServerName}"), ServerLife, ServerAuthentication, names.Build());
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

    private static X500DistinguishedName Name(string common, Role role)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddOrganizationalUnitName(role.ToString().ToLowerInvariant());
        builder.AddCommonName(common);
        return builder.Build();
    }

    private X509Certificate2 Sign(ECDsa key, X500DistinguishedName subject, TimeSpan life, string usage, X509Extension? names)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(certificate, true, false));
        if (names is not null) request.CertificateExtensions.Add(names);
        var now = time.GetUtcNow();
        var end = now + life < certificate.NotAfter ? now + life : certificate.NotAfter;
        // A share of the life at most: its holder reckons from both ends when to renew it.
        var backdate = life / 10 < Backdate ? life / 10 : Backdate;
        return request.Create(certificate, now - backdate, end, RandomNumberGenerator.GetBytes(16));
    }

    private static void Create(string folder, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Operos cluster CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = time.GetUtcNow();
        using var made = request.CreateSelfSigned(now - TimeSpan.FromDays(1), now + CaLife);
        // The key first: a certificate without its key would look like a finished authority.
        AtomicFile.Write(Path.Combine(folder, CaKey), Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        AtomicFile.Write(Path.Combine(folder, CaCertificate), Encoding.ASCII.GetBytes(made.ExportCertificatePem() + "\n"), Public);
    }
}

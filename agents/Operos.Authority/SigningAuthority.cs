using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Operos.Linux;

namespace Operos.Authority;

/// <summary>
/// A certificate authority (X.509, RFC 5280; P-256), kept in two files. Whom it certifies is its caller's to decide: of a request only the
/// key counts.
/// </summary>
public sealed class SigningAuthority
{
    internal const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const int MaxRequest = 4096;

    private readonly X509Certificate2 certificate;
    private readonly TimeProvider time;

    private SigningAuthority(X509Certificate2 certificate, TimeProvider time)
    {
        (this.certificate, this.time) = (certificate, time);
        Certificate = X509CertificateLoader.LoadCertificate(certificate.RawData);
    }

    /// <summary>The authority's own certificate, without its key.</summary>
    public X509Certificate2 Certificate { get; }

    public string Pem => certificate.ExportCertificatePem() + "\n";

    public DateTimeOffset Expires => certificate.NotAfter;

    /// <summary>Opens the authority in <c>NAME.crt</c> and <c>NAME.key</c>, or makes it there once.</summary>
    public static SigningAuthority OpenOrCreate(
        string folder, string name, string commonName, TimeProvider time, UnixFileMode certificateMode = FileModes.Private)
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        var (crt, key) = Files(folder, name);
        if (!File.Exists(crt)) Create(crt, key, commonName, time, certificateMode);
        return Open(folder, name, time);
    }

    public static SigningAuthority Open(string folder, string name, TimeProvider time)
    {
        var (crt, key) = Files(folder, name);
        return new SigningAuthority(X509Certificate2.CreateFromPemFile(crt, key), time);
    }

    /// <summary>The key that a request proves its sender to hold (PKCS #10, RFC 2986, 4.2).</summary>
    /// <exception cref="CryptographicException">The request is malformed, not signed by its own key, or its key is not P-256.</exception>
    public static ECDsa ReadKey(byte[] csr)
    {
        if (csr.Length is 0 or > MaxRequest) throw new CryptographicException($"a request of 1 to {MaxRequest} bytes is expected");
        // Loading checks the request's own signature.
        var request = CertificateRequest.LoadSigningRequest(csr, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default);
        var key = request.PublicKey.GetECDsaPublicKey() ?? throw new CryptographicException("the request's key is no EC key");
        if (key.KeySize == 256) return key;
        key.Dispose();
        throw new CryptographicException("the request's key is not on the curve P-256");
    }

    /// <summary>Signs for the key of a request; its names are the sender's wish and do not count.</summary>
    /// <exception cref="CryptographicException">As <see cref="ReadKey"/>.</exception>
    public X509Certificate2 SignRequest(byte[] csr, CertificateOrder order, TimeSpan life)
    {
        using var key = ReadKey(csr);
        return Sign(key, order, life);
    }

    public X509Certificate2 Sign(ECDsa key, CertificateOrder order, TimeSpan life) =>
        Sign(key, Subject(order), order.Purpose, order.Names, life, CertificateLives.KubernetesBackdate);

    internal byte[] Use(Func<ECDsa, byte[]> sign)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return sign(key);
    }

    /// <summary>No certificate outlives its authority.</summary>
    internal X509Certificate2 Sign(
        ECDsa key, X500DistinguishedName subject, KeyPurpose purpose, IReadOnlyList<string> names, TimeSpan life, TimeSpan backdate)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var usages = new OidCollection();
        if (purpose.HasFlag(KeyPurpose.Server)) usages.Add(new Oid(ServerAuthentication));
        if (purpose.HasFlag(KeyPurpose.Client)) usages.Add(new Oid(ClientAuthentication));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(certificate, true, false));
        if (names.Count > 0) request.CertificateExtensions.Add(AlternativeNames(names));
        var now = time.GetUtcNow();
        return request.Create(certificate, now - backdate, now + life < Expires ? now + life : Expires, RandomNumberGenerator.GetBytes(16));
    }

    private static (string Certificate, string Key) Files(string folder, string name) =>
        (Path.Combine(folder, name + ".crt"), Path.Combine(folder, name + ".key"));

    private static X500DistinguishedName Subject(CertificateOrder order)
    {
        var subject = new X500DistinguishedNameBuilder();
        foreach (var organization in order.Organizations) subject.AddOrganizationName(organization);
        subject.AddCommonName(order.CommonName);
        return subject.Build();
    }

    private static X509Extension AlternativeNames(IReadOnlyList<string> names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names.Distinct())
        {
            if (IPAddress.TryParse(name, out var address)) builder.AddIpAddress(address);
            else builder.AddDnsName(name);
        }
        return builder.Build();
    }

    private static void Create(string crt, string keyFile, string commonName, TimeProvider time, UnixFileMode certificateMode)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = time.GetUtcNow();
        using var made = request.CreateSelfSigned(now - CertificateLives.AuthorityBackdate, now + CertificateLives.Authority);
        // The key first: a certificate without its key would look like a finished authority.
        AtomicFile.Write(keyFile, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        AtomicFile.Write(crt, Encoding.ASCII.GetBytes(made.ExportCertificatePem() + "\n"), certificateMode);
    }
}

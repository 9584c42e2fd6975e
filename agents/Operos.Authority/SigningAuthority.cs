using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Operos.Linux;

namespace Operos.Authority;

/// <summary>One certificate authority of the control plane (X.509, RFC 5280; P-256), kept in two files.</summary>
public sealed class SigningAuthority
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1", ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const int MaxRequest = 4096;
    private static readonly TimeSpan Life = TimeSpan.FromDays(3650), Backdate = TimeSpan.FromMinutes(5);

    private readonly X509Certificate2 certificate;
    private readonly TimeProvider time;

    private SigningAuthority(X509Certificate2 certificate, TimeProvider time) => (this.certificate, this.time) = (certificate, time);

    public string Pem => certificate.ExportCertificatePem() + "\n";

    public DateTimeOffset Expires => certificate.NotAfter;

    /// <summary>Opens the authority in <c>NAME.crt</c> and <c>NAME.key</c>, or makes it there once.</summary>
    public static SigningAuthority OpenOrCreate(string folder, string name, string commonName, TimeProvider time)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var (crt, key) = (Path.Combine(folder, name + ".crt"), Path.Combine(folder, name + ".key"));
        if (!File.Exists(crt)) Create(crt, key, commonName, time);
        return new SigningAuthority(X509Certificate2.CreateFromPemFile(crt, key), time);
    }

    /// <summary>Signs for the key of a request; its names are the sender's wish and do not count.</summary>
    /// <exception cref="CryptographicException">The request is malformed, not signed by its own key, or its key is not P-256.</exception>
    public X509Certificate2 SignRequest(byte[] csr, CertificateOrder order, TimeSpan life)
    {
        if (csr.Length is 0 or > MaxRequest) throw new CryptographicException($"a request of 1 to {MaxRequest} bytes is expected");
        var request = CertificateRequest.LoadSigningRequest(csr, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default);
        using var key = request.PublicKey.GetECDsaPublicKey() ?? throw new CryptographicException("the request's key is no EC key");
        if (key.KeySize != 256) throw new CryptographicException("the request's key is not on the curve P-256");
        return Sign(key, order, life);
    }

    public X509Certificate2 Sign(ECDsa key, CertificateOrder order, TimeSpan life)
    {
        var request = new CertificateRequest(Subject(order), key, HashAlgorithmName.SHA256);
        var usages = new OidCollection();
        if (order.Purpose.HasFlag(KeyPurpose.Server)) usages.Add(new Oid(ServerAuthentication));
        if (order.Purpose.HasFlag(KeyPurpose.Client)) usages.Add(new Oid(ClientAuthentication));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(certificate, true, false));
        if (order.Names.Count > 0) request.CertificateExtensions.Add(AlternativeNames(order.Names));
        var now = time.GetUtcNow();
        return request.Create(certificate, now - Backdate, now + life < Expires ? now + life : Expires, RandomNumberGenerator.GetBytes(16));
    }

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

    private static void Create(string crt, string keyFile, string commonName, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = time.GetUtcNow();
        using var made = request.CreateSelfSigned(now - TimeSpan.FromDays(1), now + Life);
        // The key first: a certificate without its key would look like a finished authority.
        AtomicFile.Write(keyFile, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        AtomicFile.Write(crt, Encoding.ASCII.GetBytes(made.ExportCertificatePem() + "\n"));
    }
}

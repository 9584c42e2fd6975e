using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Node.Certificates;
using Operos.Proto;

namespace Operos.Node.Tests;

/// <summary>A certificate authority as the controller has one: it writes the names, whatever the request says.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 certificate;

    public TestAuthority(string name = "CN=kubernetes")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(1));
    }

    public string Pem => certificate.ExportCertificatePem() + "\n";
    public TimeSpan Life { get; set; } = TimeSpan.FromHours(3);
    public string Node { get; set; } = Settings.Name;
    public IPAddress Address { get; set; } = IPAddress.Parse("10.77.0.101");
    public TimeProvider Clock { get; set; } = TimeProvider.System;
    public List<string> Asked { get; } = [];

    public CertificateSource Source => (requests, _) =>
    {
        Asked.AddRange(requests.Keys);
        return Task.FromResult<IReadOnlyDictionary<string, byte[]>>(
            requests.ToDictionary(pair =>
            pair.Key, pair => Sign(pair.Key, CertificateRequest.LoadSigningRequest(pair.Value, HashAlgorithmName.SHA256))));
    };

    public byte[] Sign(string purpose, CertificateRequest asked) =>
        Sign(SubjectOf(purpose, Node), asked.PublicKey, Life, purpose == NodeCertificate.KubeletServing
        ? names => Name(names, Node, Address) : null);

    private static string SubjectOf(string purpose, string node) =>
        purpose switch { NodeCertificate.KubeProxy =>
            "CN=system:kube-proxy", NodeCertificate.Agent => $"O=operos:nodes, CN=operos:node:{node}",
            _ => $"O=system:nodes, CN=system:node:{node}" };

    private static void Name(SubjectAlternativeNameBuilder names, string node, IPAddress address)
    {
        names.AddDnsName(node);
        names.AddIpAddress(address);
    }

    private byte[] Sign(string subject, PublicKey key, TimeSpan life, Action<SubjectAlternativeNameBuilder>? name)
    {
        var request = new CertificateRequest(new X500DistinguishedName(subject), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(certificate, true, false));
        if (name is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            name(names);
            request.CertificateExtensions.Add(names.Build());
        }
        var now = Clock.GetUtcNow();
        using var issued = request.Create(certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(certificate.GetECDsaPrivateKey()!),
            now, now + life, RandomNumberGenerator.GetBytes(8));
        return issued.RawData;
    }

    public void Dispose() => certificate.Dispose();
}

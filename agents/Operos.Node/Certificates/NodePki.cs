using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Operos.Authority;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Node.Certificates;

/// <summary>
/// The node's keys and certificates, in files on RAM that root alone reads. A key is made here, never leaves, and is new with each
/// certificate; a certificate is renewed at two thirds of its life, so that two more tries fit before its end.
/// </summary>
internal sealed class NodePki(NodePaths paths, TimeProvider time)
{
    /// <summary>Whoever signs decides the names: a certificate that still lacks the address is not asked for in a loop.</summary>
    private static readonly TimeSpan AddressPatience = TimeSpan.FromMinutes(10);
    private DateTimeOffset issued = DateTimeOffset.MinValue;

    public bool AuthorityDiffers(string authority) =>
        !File.Exists(paths.AuthorityFile) || File.ReadAllText(paths.AuthorityFile) != authority;

    /// <summary>Writes the cluster's authority.</summary>
    public void KeepAuthority(string authority)
    {
        Directory.CreateDirectory(paths.Pki, FileModes.PrivateFolder);
        AtomicFile.Write(paths.AuthorityFile, Encoding.ASCII.GetBytes(authority), FileModes.Readable);
    }

    /// <summary>The purposes whose certificate is missing, of another name or authority, or due for renewal.</summary>
    public IReadOnlyList<string> Due(string node, IPAddress address) =>
        [.. NodeCertificate.All.Where(purpose => IsDue(purpose, node, address))];

    /// <summary>The purposes without any certificate that could be used now.</summary>
    public IReadOnlyList<string> Missing(string node) => [.. NodeCertificate.All.Where(purpose => !IsUsable(purpose, node))];

    /// <summary>Makes keys, asks for their certificates and keeps both.</summary>
    /// <param name="keeping">Called with each purpose before its file is replaced.</param>
    /// <exception cref="NodeException">Nobody issued them, or what came is not what was asked for; what was there stays.</exception>
    public async Task RenewAsync(IReadOnlyList<string> purposes, CertificateSource source, Action<string> keeping,
        CancellationToken cancellationToken)
    {
        var keys = purposes.ToDictionary(purpose => purpose, _ => ECDsa.Create(ECCurve.NamedCurves.nistP256));
        try
        {
            var answer = await source(keys.ToDictionary(pair => pair.Key, pair => Request(pair.Key, pair.Value)),
                cancellationToken).ConfigureAwait(false);
            foreach (var (purpose, key) in keys)
            {
                if (!answer.TryGetValue(purpose, out var certificate))
                    throw new NodeException($"the controller issued no certificate for {purpose}");
                keeping(purpose);
                Keep(purpose, key, certificate);
            }
            issued = time.GetUtcNow();
        }
        catch (Exception e) when (e is CryptographicException
            or ArgumentException) { throw new NodeException($"what the controller issued cannot be used: {e.Message}", e); }
        finally { foreach (var key in keys.Values) key.Dispose(); }
    }

    /// <summary>The first end of them all; null while one is missing.</summary>
    public DateTimeOffset? FirstExpiry()
    {
        var ends = NodeCertificate.All.Select(purpose => Read(purpose)?.NotAfter).ToList();
        return ends.Contains(null) ? null : ends.Min()!.Value.ToUniversalTime();
    }

    /// <summary>Destroys all keys: what was issued for them is worth nothing any more.</summary>
    public void Forget()
    {
        if (Directory.Exists(paths.Pki)) Directory.Delete(paths.Pki, recursive: true);
    }

    private bool IsDue(string purpose, string node, IPAddress address)
    {
        using var certificate = Read(purpose);
        if (certificate is null || !Fits(certificate, purpose, node)) return true;
        if (CertificateLife.Of(certificate).IsDue(time.GetUtcNow())) return true;
        return purpose == NodeCertificate.KubeletServing && !Names(certificate).Contains(address) && time.GetUtcNow() >= issued
            + AddressPatience;
    }

    private bool IsUsable(string purpose, string node)
    {
        using var certificate = Read(purpose);
        return certificate is not null && Fits(certificate, purpose, node) && !CertificateLife.Of(certificate).IsOver(time.GetUtcNow());
    }

    /// <summary>For a node that became another machine, or a cluster that changed its authority.</summary>
    private bool Fits(X509Certificate2 certificate, string purpose, string node) =>
        (purpose == NodeCertificate.KubeProxy || certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false)
            .EndsWith(":" + node, StringComparison.Ordinal)) && IsOfAuthority(certificate);

    private bool IsOfAuthority(X509Certificate2 certificate)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(paths.AuthorityFile);
        // At any time: its dates are compared with the agent's clock, where its life is read.
        using var chain = new X509Chain { ChainPolicy = CertificateChain.Policy(authorities, anyTime: true) };
        return chain.Build(certificate);
    }

    private X509Certificate2? Read(string purpose)
    {
        try { return X509Certificate2.CreateFromPemFile(paths.Credential(purpose)); }
        catch (Exception e) when (e is IOException or CryptographicException) { return null; }
    }

    private void Keep(string purpose, ECDsa key, byte[] der)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(der);
        if (!IsOfAuthority(certificate))
            throw new NodeException($"the certificate for {purpose} is not of the cluster's Kubernetes authority");
        // Throws where the certificate is for another key.
        using var pair = certificate.CopyWithPrivateKey(key);
        AtomicFile.Write(paths.Credential(purpose), Encoding.ASCII.GetBytes(
            $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n"));
    }

    private static byte[] Request(string purpose, ECDsa key) =>
        new CertificateRequest($"CN={purpose}", key, HashAlgorithmName.SHA256).CreateSigningRequest();

    private static IEnumerable<IPAddress> Names(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(names => names.EnumerateIPAddresses());
}

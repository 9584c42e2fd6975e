using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Authority;

namespace Operos.Kubernetes;

/// <summary>The certificates of an <see cref="ApiAccess"/>, as the files say at the time of each new connection.</summary>
internal sealed class CredentialFiles(ApiAccess access)
{
    private readonly Lock credentialsLock = new();
    private (DateTime, DateTime, DateTime) read;
    private X509Certificate2? certificate;
    private X509Certificate2Collection authorities = [];

    public X509Certificate2 Certificate
    {
        get { lock (credentialsLock) { Refresh(); return certificate!; } }
    }

    /// <summary>Whether the server is who the URL says, by our authorities alone.</summary>
    public bool Vouch(X509Certificate? shown, SslPolicyErrors errors)
    {
        if (shown is not X509Certificate2 server || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0) return false;
        X509Certificate2Collection roots;
        lock (credentialsLock)
        {
            Refresh();
            roots = authorities;
        }
        using var chain = new X509Chain { ChainPolicy = CertificateChain.Policy(roots, forServers: true) };
        return chain.Build(server);
    }

    /// <summary>Files in the middle of a change leave what was read before in force.</summary>
    private void Refresh()
    {
        var now = (File.GetLastWriteTimeUtc(access.AuthorityFile), File.GetLastWriteTimeUtc(access.CertificateFile),
            File.GetLastWriteTimeUtc(access.KeyFile));
        if (certificate is not null && now == read) return;
        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPemFile(access.AuthorityFile);
            certificate = X509Certificate2.CreateFromPemFile(access.CertificateFile, access.KeyFile);
            (authorities, read) = (roots, now);
        }
        catch (Exception e) when (certificate is not null
            && e is (IOException or UnauthorizedAccessException or CryptographicException)) { }
    }
}

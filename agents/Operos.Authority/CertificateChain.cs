using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Operos.Authority;

/// <summary>How a certificate is judged: by authorities of our own alone, without the system's, and without asking the network.</summary>
public static class CertificateChain
{
    /// <param name="anyTime">Whether its dates do not count: for those who judge them apart, or whose clock was never set.</param>
    /// <param name="forServers">Whether it must be a server's, where TLS does not look at that itself.</param>
    public static X509ChainPolicy Policy(X509Certificate2Collection authorities, bool anyTime = false, bool forServers = false)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationFlags = anyTime ? X509VerificationFlags.IgnoreNotTimeValid : X509VerificationFlags.NoFlag,
        };
        policy.CustomTrustStore.AddRange(authorities);
        if (forServers) policy.ApplicationPolicy.Add(new Oid(SigningAuthority.ServerAuthentication));
        return policy;
    }
}

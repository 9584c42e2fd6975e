using System.Net;
using System.Net.Security;

namespace Operos.Authority;

/// <summary>The control endpoint's certificate: renewed long before it expires; connections that are open keep theirs.</summary>
public sealed class ServerCertificate(CertificateAuthority authority, string name, IPAddress address, TimeProvider time)
{
    private readonly Lock renewing = new();
    private SslStreamCertificateContext? certificate;
    private DateTimeOffset made;

    public SslStreamCertificateContext Current
    {
        get
        {
            lock (renewing)
            {
                if (certificate is null || time.GetUtcNow() - made > CertificateLives.ControlServerRenewal)
                {
                    var issued = authority.IssueServer(name, address);
                    certificate = SslStreamCertificateContext.Create(issued, [authority.Certificate], offline: true);
                    made = time.GetUtcNow();
                }
                return certificate;
            }
        }
    }
}

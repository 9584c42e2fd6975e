namespace Operos.Authority;

/// <summary>Who vouches for a certificate. They are apart so that, say, a kubelet's certificate opens nothing at etcd.</summary>
public enum Issuer { Kubernetes, Etcd, FrontProxy }

[Flags]
public enum KeyPurpose { Client = 1, Server = 2 }

/// <summary>A certificate to be had: whom it names and for what.</summary>
/// <param name="Organizations">For Kubernetes these are the user's groups.</param>
/// <param name="Names">A server's DNS names and addresses.</param>
public sealed record CertificateOrder(
    Issuer Issuer, string CommonName, KeyPurpose Purpose, IReadOnlyList<string> Organizations, IReadOnlyList<string> Names)
{
    public static CertificateOrder Client(Issuer issuer, string user, params IReadOnlyList<string> groups) =>
        new(issuer, user, KeyPurpose.Client, groups, []);

    public static CertificateOrder Server(Issuer issuer, string name, params IReadOnlyList<string> names) =>
        new(issuer, name, KeyPurpose.Server, [], names);
}

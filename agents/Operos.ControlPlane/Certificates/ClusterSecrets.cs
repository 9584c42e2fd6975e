using System.Security.Cryptography;
using System.Text;
using Operos.Authority;
using Operos.Kubernetes;
using Operos.Linux;

namespace Operos.ControlPlane.Certificates;

/// <summary>
/// What must stay the same as long as the cluster lives: the authorities, the key that signs service account tokens, the key that
/// encrypts secrets in etcd. Made once, 0600, on the disk that a reboot keeps.
/// </summary>
public sealed class ClusterSecrets
{
    private readonly string folder;
    private readonly Dictionary<Issuer, SigningAuthority> authorities;

    private ClusterSecrets(string folder, TimeProvider time)
    {
        this.folder = folder;
        authorities = new()
        {
            [Issuer.Kubernetes] = SigningAuthority.OpenOrCreate(folder, "ca", "Operos Kubernetes CA", time),
            [Issuer.Etcd] = SigningAuthority.OpenOrCreate(folder, "etcd-ca", "Operos etcd CA", time),
            [Issuer.FrontProxy] = SigningAuthority.OpenOrCreate(folder, "front-proxy-ca", "Operos front-proxy CA", time),
        };
    }

    public string ServiceAccountKey => Path.Combine(folder, "service-account.key");
    public string ServiceAccountPublicKey => Path.Combine(folder, "service-account.pub");
    public string Encryption => Path.Combine(folder, "encryption.json");

    public static ClusterSecrets OpenOrCreate(string folder, TimeProvider time)
    {
        var secrets = new ClusterSecrets(folder, time);
        if (!File.Exists(secrets.ServiceAccountPublicKey)) secrets.MakeServiceAccountKey();
        if (!File.Exists(secrets.Encryption)) secrets.MakeEncryptionKey();
        return secrets;
    }

    public SigningAuthority Authority(Issuer issuer) => authorities[issuer];

    private void MakeServiceAccountKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AtomicFile.Write(ServiceAccountKey, Encoding.ASCII.GetBytes(key.ExportECPrivateKeyPem() + "\n"));
        AtomicFile.Write(ServiceAccountPublicKey, Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem() + "\n"));
    }

    /// <summary>
    /// EncryptionConfiguration: secretbox (XSalsa20-Poly1305) for secrets; what was written before in the clear is still read.
    /// </summary>
    private void MakeEncryptionKey() => AtomicFile.Write(Encryption, Encoding.ASCII.GetBytes(YamlText.Write($$"""
        {
          "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
          "resources": [{
            "resources": ["secrets"],
            "providers": [
              { "secretbox": { "keys": [{ "name": "key1", "secret": {{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}} }] } },
              { "identity": {} }
            ]
          }]
        }

        """)));
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Operos.Linux;

namespace Operos.Authority;

/// <summary>
/// Certificates of programs that read them as files. A renewal signs the same key anew, so that one atomic replacement of one file is all
/// that a reader sees.
/// </summary>
public sealed class CertificateFiles(string folder, Func<Issuer, SigningAuthority> authority, TimeSpan life, TimeProvider time)
{
    private readonly Dictionary<string, CertificateLife> lives = new(StringComparer.Ordinal);

    /// <summary>Of each certificate that was looked at.</summary>
    public IReadOnlyDictionary<string, CertificateLife> Lives
    {
        get { lock (lives) return new Dictionary<string, CertificateLife>(lives); }
    }

    public string Certificate(string name) => Path.Combine(folder, name + ".crt");

    public string Key(string name) => Path.Combine(folder, name + ".key");

    public string AuthorityFile(Issuer issuer) => Path.Combine(folder, issuer switch
    {
        Issuer.Kubernetes => "ca.crt",
        Issuer.Etcd => "etcd-ca.crt",
        _ => "front-proxy-ca.crt",
    });

    /// <summary>Issues what is missing, names something else than it should, or has a third of its life left; says which.</summary>
    public IReadOnlyList<string> Renew(IReadOnlyDictionary<string, CertificateOrder> orders)
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        foreach (var issuer in Enum.GetValues<Issuer>())
            AtomicFile.WriteIfChanged(AuthorityFile(issuer), Encoding.ASCII.GetBytes(authority(issuer).Pem));
        return [.. orders.Where(order => RenewOne(order.Key, order.Value)).Select(order => order.Key)];
    }

    private bool RenewOne(string name, CertificateOrder order)
    {
        var kept = OpenKey(name);
        using var key = kept ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (kept is not null && Read(name) is { } now)
        {
            using (now)
            {
                if (!Note(name, now).IsDue(time.GetUtcNow()) && Serves(now, order)) return false;
            }
        }
        if (kept is null) AtomicFile.Write(Key(name), Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        using var issued = authority(order.Issuer).Sign(key, order, life);
        AtomicFile.Write(Certificate(name), Encoding.ASCII.GetBytes(issued.ExportCertificatePem() + "\n"));
        Note(name, issued);
        return true;
    }

    /// <summary>Its end counts with the life that is configured now: it is renewed at once where that has become much longer.</summary>
    private CertificateLife Note(string name, X509Certificate2 certificate)
    {
        var ends = new DateTimeOffset(certificate.NotAfter);
        var found = new CertificateLife(ends - life, ends);
        lock (lives) lives[name] = found;
        return found;
    }

    /// <summary>Whether the certificate still says what is ordered: the configuration may have changed.</summary>
    private bool Serves(X509Certificate2 certificate, CertificateOrder order)
    {
        using var wanted = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var sample = authority(order.Issuer).Sign(wanted, order, life);
        return sample.SubjectName.RawData.AsSpan().SequenceEqual(certificate.SubjectName.RawData)
            && Extensions(sample).SequenceEqual(Extensions(certificate));
    }

    private static IEnumerable<string> Extensions(X509Certificate2 certificate) =>
        certificate.Extensions.Select(extension => Convert.ToHexString(extension.RawData));

    private ECDsa? OpenKey(string name)
    {
        if (!File.Exists(Key(name))) return null;
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(Key(name)));
            return key;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            return null;
        }
    }

    private X509Certificate2? Read(string name)
    {
        try { return File.Exists(Certificate(name)) ? X509Certificate2.CreateFromPem(File.ReadAllText(Certificate(name))) : null; }
        catch (CryptographicException) { return null; }
    }
}

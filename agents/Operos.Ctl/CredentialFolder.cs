using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Operos.Linux;
using Operos.Proto.Connection;

namespace Operos.Ctl;

/// <summary>
/// An operator's credentials: a folder with the cluster's authority, the controller's address, and certificate and key in one file.
/// </summary>
internal sealed class CredentialFolder(string path)
{
    /// <summary>Where an operator gets such a folder.</summary>
    public const string Source = "an admin makes a folder of them (operosctl operators add NAME --out DIR), and the controller's setup "
        + "writes the first to its folder admin/";

    public string Path => path;

    /// <summary>The controller's ADDRESS:PORT.</summary>
    /// <exception cref="IOException">There is none, or it cannot be read; said for the operator, as of the two below.</exception>
    public string Endpoint => Load(CredentialFiles.Endpoint, File.ReadAllText).Trim();

    public X509Certificate2 LoadAuthority() => Load(CredentialFiles.Authority, X509CertificateLoader.LoadCertificateFromFile);

    public X509Certificate2 LoadClient() => File.Exists(In(CredentialFiles.OldKey)) && !File.Exists(In(CredentialFiles.Client))
        ? Load(CredentialFiles.OldCertificate, file => X509Certificate2.CreateFromPemFile(file, In(CredentialFiles.OldKey)))
        : Load(CredentialFiles.Client, file => X509Certificate2.CreateFromPemFile(file));

    /// <summary>A key that stays here, and a request for a certificate on it (PKCS #10, RFC 2986).</summary>
    public static (ECDsa Key, byte[] Csr) NewRequest()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return (key, new CertificateRequest("CN=operosctl", key, HashAlgorithmName.SHA256).CreateSigningRequest());
    }

    /// <summary>Begins a folder for somebody's first credentials, before anything is asked: what cannot be written is not made.</summary>
    /// <exception cref="IOException">It has credentials already, or cannot be written.</exception>
    public void Begin(X509Certificate2 authority)
    {
        if (File.Exists(In(CredentialFiles.Client)) || File.Exists(In(CredentialFiles.OldKey)))
            throw new IOException($"{path} has credentials already: give another folder");
        Directory.CreateDirectory(path, FileModes.PrivateFolder);
        AtomicFile.Write(
            In(CredentialFiles.Authority), Encoding.ASCII.GetBytes(authority.ExportCertificatePem() + "\n"), FileModes.Readable);
    }

    /// <summary>Ends what <see cref="Begin"/> began.</summary>
    public void Finish(ECDsa key, byte[] certificate, string endpoint)
    {
        AtomicFile.Write(In(CredentialFiles.Endpoint), Encoding.ASCII.GetBytes(endpoint + "\n"), FileModes.Readable);
        Keep(key, certificate);
    }

    /// <summary>Replaces certificate and key at once: whoever is killed meanwhile has the old pair or the new one.</summary>
    /// <param name="certificate">X.509, DER.</param>
    public void Keep(ECDsa key, byte[] certificate)
    {
        var pem = $"{PemEncoding.WriteString("CERTIFICATE", certificate)}\n{key.ExportPkcs8PrivateKeyPem()}\n";
        AtomicFile.Write(In(CredentialFiles.Client), Encoding.ASCII.GetBytes(pem));
        // Root who uses somebody's folder leaves it theirs.
        if (Environment.IsPrivilegedProcess) Ownership.Copy(path, In(CredentialFiles.Client));
        foreach (var old in (string[])[CredentialFiles.OldCertificate, CredentialFiles.OldKey])
            if (File.Exists(In(old))) AtomicFile.Delete(In(old));
    }

    private T Load<T>(string name, Func<string, T> load)
    {
        if (!Directory.Exists(path)) throw new IOException($"no credentials in {path}: there is no such folder; {Source}");
        // Asked first: of a missing file one loader says so, another that it is no certificate.
        if (!File.Exists(In(name))) throw new IOException($"no credentials in {path}: it holds no file {name}; {Source}");
        try { return load(In(name)); }
        catch (UnauthorizedAccessException)
        {
            throw new IOException($"the credentials in {path} are somebody else's: {name} may not be read; {Source}");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new IOException($"the credentials in {path} are damaged: {name}: {e.Message}; an admin makes new ones (operosctl "
                + "operators renew NAME --out DIR)");
        }
    }

    private string In(string name) => System.IO.Path.Combine(path, name);
}

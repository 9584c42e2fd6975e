using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Operos.Authority;
using Operos.Linux;

namespace Operos.Worker.Enrolment;

/// <summary>The worker's key and certificate, in memory and, for diagnosis and the agent's restart, in RAM-backed files.</summary>
internal sealed class WorkerIdentity : IDisposable
{
    private const string CertificateName = "worker.crt", KeyName = "worker.key";

    private WorkerIdentity(X509Certificate2 certificate) => Certificate = certificate;

    public X509Certificate2 Certificate { get; }

    public DateTimeOffset RenewAt => CertificateLife.Of(Certificate).RenewAt;

    /// <summary>
    /// This boot's key, which never leaves the machine: the controller knows an agent that starts again, or asks again, by it. Made where
    /// there is none that is fit.
    /// </summary>
    public static ECDsa LoadOrMakeKey(string folder)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(Path.Combine(folder, KeyName)));
            if (key.KeySize == 256) return key;
        }
        catch (Exception e) when (e is IOException or CryptographicException or ArgumentException) { }
        key.Dispose();
        key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        KeepKey(folder, key);
        return key;
    }

    /// <summary>A request for a certificate on a key (PKCS #10, RFC 2986); its signature proves that we hold it.</summary>
    public static byte[] Request(ECDsa key) =>
        new CertificateRequest("CN=operos worker", key, HashAlgorithmName.SHA256).CreateSigningRequest();

    public ECDsa Key => Certificate.GetECDsaPrivateKey()!;

    /// <summary>Forgets key and certificate, as a reboot does.</summary>
    public static void Forget(string folder)
    {
        AtomicFile.Delete(Path.Combine(folder, CertificateName));
        AtomicFile.Delete(Path.Combine(folder, KeyName));
    }

    public static WorkerIdentity Keep(string folder, ECDsa key, byte[] certificate)
    {
        using var issued = X509CertificateLoader.LoadCertificate(certificate);
        KeepKey(folder, key);
        AtomicFile.Write(Path.Combine(folder, CertificateName), Encoding.ASCII.GetBytes(issued.ExportCertificatePem() + "\n"));
        return new WorkerIdentity(issued.CopyWithPrivateKey(key));
    }

    /// <summary>What an agent before this one left; null where there is none that is valid.</summary>
    public static WorkerIdentity? TryLoad(string folder)
    {
        try
        {
            var certificate = X509Certificate2.CreateFromPemFile(Path.Combine(folder, CertificateName), Path.Combine(folder, KeyName));
            return !CertificateLife.Of(certificate).IsOver(DateTimeOffset.UtcNow) ? new WorkerIdentity(certificate) : null;
        }
        // An agent that was killed between writing the key and the certificate leaves two that do not match: ArgumentException.
        catch (Exception e) when (e is IOException or CryptographicException or ArgumentException) { return null; }
    }

    private static void KeepKey(string folder, ECDsa key)
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        AtomicFile.Write(Path.Combine(folder, KeyName), Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
    }

    public void Dispose() => Certificate.Dispose();
}

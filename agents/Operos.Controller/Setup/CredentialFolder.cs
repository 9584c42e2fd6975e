using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Operos.Authority;
using Operos.Controller.Operators;
using Operos.Linux;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Controller.Setup;

/// <summary>
/// An admin's credentials that are made on the controller itself: at its setup, and on its console where nobody else is left.
/// </summary>
internal static class CredentialFolder
{
    /// <summary>Makes the operator where there is none of that name, and certifies a new key of it.</summary>
    /// <param name="by">What is recorded as its maker.</param>
    public static void Write(string folder, OperatorRegistry operators, string name, string by, CertificateAuthority authority,
        IPEndPoint endpoint)
    {
        Directory.CreateDirectory(folder);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = new CertificateRequest("CN=operator", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        var exists = operators.All.Any(known => known.Name == name && known.Revoked is null);
        using var certificate = exists
            ? operators.Certify(name, csr) : operators.Add(name, OperatorRole.Admin, CertificateLives.Operator.Default, by, csr);
        Put(CredentialFiles.Authority, authority.Certificate.ExportCertificatePem() + "\n", FileModes.Readable);
        Put(CredentialFiles.Endpoint, $"{endpoint}\n", FileModes.Readable);
        Put(CredentialFiles.Client, $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n", FileModes.Private);
        foreach (var old in (string[])[CredentialFiles.OldCertificate, CredentialFiles.OldKey]) File.Delete(Path.Combine(folder, old));

        void Put(string file, string text, UnixFileMode mode) =>
            AtomicFile.Write(Path.Combine(folder, file), Encoding.ASCII.GetBytes(text), mode);
    }
}

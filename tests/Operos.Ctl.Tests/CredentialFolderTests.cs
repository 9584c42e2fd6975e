using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Authority;
using Operos.Proto.Connection;

namespace Operos.Ctl.Tests;

/// <summary>An operator's credentials on disk.</summary>
public sealed class CredentialFolderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-credentials-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_folder_of_two_files_is_read_and_becomes_one_file_that_its_owner_alone_reads()
    {
        var (oldKey, oldCertificate) = Make("CN=old");
        File.WriteAllText(Path.Combine(folder, "client.crt"), PemEncoding.WriteString("CERTIFICATE", oldCertificate));
        File.WriteAllText(Path.Combine(folder, "client.key"), oldKey.ExportPkcs8PrivateKeyPem());
        var credentials = new CredentialFolder(folder);
        using (var before = credentials.LoadClient()) Assert.Equal("CN=old", before.Subject);

        var (key, certificate) = Make("CN=new");
        credentials.Keep(key, certificate);
        using (var after = credentials.LoadClient())
        {
            Assert.Equal("CN=new", after.Subject);
            Assert.True(after.HasPrivateKey);
        }
        Assert.Equal(["client.pem"], Directory.GetFiles(folder).Select(Path.GetFileName));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(folder, "client.pem")));
        oldKey.Dispose();
        key.Dispose();
    }

    [Fact]
    public void What_is_missing_or_damaged_is_told_in_words_with_where_to_get_it()
    {
        Assert.Contains("there is no such folder; an admin makes", Told(new CredentialFolder("/no/such")), StringComparison.Ordinal);
        Assert.Contains("it holds no file endpoint; an admin makes", Told(new CredentialFolder(folder)), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "endpoint"), "10.77.0.1:7443\n");
        Assert.Contains("it holds no file ca.crt", Told(new CredentialFolder(folder)), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "ca.crt"), "junk");
        Assert.Contains("are damaged: ca.crt", Told(new CredentialFolder(folder)), StringComparison.Ordinal);
        var (key, certificate) = Make("CN=any");
        File.WriteAllText(Path.Combine(folder, "ca.crt"), PemEncoding.WriteString("CERTIFICATE", certificate));
        Assert.Contains("it holds no file client.pem", Told(new CredentialFolder(folder)), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "client.pem"), PemEncoding.WriteString("CERTIFICATE", certificate));
        Assert.Contains("are damaged: client.pem", Told(new CredentialFolder(folder)), StringComparison.Ordinal);
        key.Dispose();

        static string Told(CredentialFolder credentials)
        {
            var error = Assert.Throws<IOException>(() =>
            {
                _ = credentials.Endpoint;
                using var authority = credentials.LoadAuthority();
                using var client = credentials.LoadClient();
            });
            Assert.DoesNotContain("Could not find", error.Message, StringComparison.Ordinal);
            return error.Message;
        }
    }

    [Fact]
    public void Credentials_are_never_written_over_by_somebody_else_s()
    {
        var (key, certificate) = Make("CN=own");
        var credentials = new CredentialFolder(folder);
        credentials.Keep(key, certificate);
        using var authority = X509CertificateLoader.LoadCertificate(certificate);
        Assert.Contains("has credentials already", Assert.Throws<IOException>(() => credentials.Begin(authority)).Message,
            StringComparison.Ordinal);
        key.Dispose();
    }

    [Theory]
    [InlineData(365, 240, false, false)]
    [InlineData(365, 250, true, false)]
    [InlineData(365, 336, true, true)]
    [InlineData(30, 10, false, false)]
    [InlineData(30, 21, true, true)]
    public void A_certificate_is_due_at_two_thirds_of_its_life_and_told_of_in_its_last_30_days(int days, int age, bool due, bool soon)
    {
        var begins = DateTimeOffset.UnixEpoch;
        var life = new CertificateLife(begins, begins.AddDays(days));
        Assert.Equal((due, soon, false), (life.IsDue(begins.AddDays(age)), life.EndsSoon(begins.AddDays(age)),
            life.IsOver(begins.AddDays(age))));
        Assert.True(life.IsOver(begins.AddDays(days)));
    }

    private static (ECDsa Key, byte[] Certificate) Make(string name)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest(name, key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        return (key, made.RawData);
    }
}

using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Node.Certificates;
using Operos.Proto;

namespace Operos.Node.Tests;

public sealed class NodePkiTests : IDisposable
{
    private static readonly IPAddress Address = IPAddress.Parse("10.77.0.101");
    private readonly TestFolder folder = new();
    private readonly TestAuthority authority = new();
    private readonly TestClock clock = new();
    private readonly NodePki pki;

    public NodePkiTests()
    {
        authority.Clock = clock;
        pki = new NodePki(folder.Paths, clock);
        pki.KeepAuthority(authority.Pem);
    }

    [Fact]
    public async Task Keys_are_the_nodes_own_and_roots_alone()
    {
        Assert.Equal(NodeCertificate.All, pki.Due(Settings.Name, Address));
        await RenewAsync();
        Assert.Empty(pki.Due(Settings.Name, Address));
        Assert.Empty(pki.Missing(Settings.Name));
        var keys = new HashSet<string>();
        foreach (var purpose in NodeCertificate.All)
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.Paths.Credential(purpose)));
            using var pair = X509Certificate2.CreateFromPemFile(folder.Paths.Credential(purpose));
            using var key = pair.GetECDsaPrivateKey()!;
            Assert.Equal("1.2.840.10045.3.1.7", key.ExportParameters(false).Curve.Oid.Value);
            keys.Add(Convert.ToHexString(key.ExportSubjectPublicKeyInfo()));
        }
        Assert.Equal(4, keys.Count);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder.Paths.Pki));
    }

    [Fact]
    public async Task At_two_thirds_of_their_life_they_are_due_with_new_keys()
    {
        await RenewAsync();
        var before = await File.ReadAllTextAsync(folder.Paths.Credential(NodeCertificate.Kubelet));
        clock.Ahead = TimeSpan.FromMinutes(119);
        Assert.Empty(pki.Due(Settings.Name, Address));
        clock.Ahead = TimeSpan.FromMinutes(121);
        Assert.Equal(NodeCertificate.All, pki.Due(Settings.Name, Address));
        Assert.Empty(pki.Missing(Settings.Name));
        var kept = new List<string>();
        await pki.RenewAsync(NodeCertificate.All, authority.Source, kept.Add, default);
        Assert.Equal(NodeCertificate.All, kept);
        Assert.NotEqual(before, await File.ReadAllTextAsync(folder.Paths.Credential(NodeCertificate.Kubelet)));
        Assert.Empty(pki.Due(Settings.Name, Address));
        clock.Ahead = TimeSpan.FromHours(6);
        Assert.Equal(NodeCertificate.All, pki.Missing(Settings.Name));
    }

    [Fact]
    public async Task Another_name_or_authority_makes_them_due_and_unusable()
    {
        await RenewAsync();
        Assert.Equal([NodeCertificate.Kubelet, NodeCertificate.KubeletServing, NodeCertificate.Agent], pki.Missing("another"));
        using var other = new TestAuthority();
        pki.KeepAuthority(other.Pem);
        Assert.Equal(NodeCertificate.All, pki.Missing(Settings.Name));
        // During a change of authority both are trusted.
        pki.KeepAuthority(other.Pem + authority.Pem);
        Assert.Empty(pki.Missing(Settings.Name));
    }

    [Fact]
    public async Task A_new_address_is_asked_for_but_not_in_a_loop()
    {
        var elsewhere = IPAddress.Parse("10.77.0.150");
        await RenewAsync();
        Assert.Empty(pki.Due(Settings.Name, elsewhere));
        clock.Ahead = TimeSpan.FromMinutes(11);
        Assert.Equal([NodeCertificate.KubeletServing], pki.Due(Settings.Name, elsewhere));
        await pki.RenewAsync([NodeCertificate.KubeletServing], authority.Source, _ => { }, default);
        Assert.Empty(pki.Due(Settings.Name, elsewhere));
    }

    [Fact]
    public async Task What_is_not_for_our_key_or_not_of_our_authority_changes_nothing()
    {
        await RenewAsync();
        var before = await File.ReadAllBytesAsync(folder.Paths.Credential(NodeCertificate.Kubelet));
        using var other = new TestAuthority("CN=foreign");
        await Refused(other.Source);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await Refused((_, _) =>
            Task.FromResult<IReadOnlyDictionary<string, byte[]>>(
            new Dictionary<string, byte[]> { [NodeCertificate.Kubelet] =
            authority.Sign(NodeCertificate.Kubelet, new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256)) }));
        await Refused((_, _) =>
            Task.FromResult<IReadOnlyDictionary<string, byte[]>>(new Dictionary<string, byte[]> { [NodeCertificate.Kubelet] = [1, 2, 3] }));
        await Refused((_, _) => Task.FromResult<IReadOnlyDictionary<string, byte[]>>(new Dictionary<string, byte[]>()));
        Assert.Equal(before, await File.ReadAllBytesAsync(folder.Paths.Credential(NodeCertificate.Kubelet)));
    }

    [Fact]
    public async Task A_node_that_leaves_has_no_key_any_more()
    {
        await RenewAsync();
        pki.Forget();
        Assert.False(Directory.Exists(folder.Paths.Pki));
    }

    public void Dispose()
    {
        authority.Dispose();
        folder.Dispose();
    }

    private Task RenewAsync() => pki.RenewAsync(NodeCertificate.All, authority.Source, _ => { }, default);

    private Task Refused(CertificateSource source) =>
        Assert.ThrowsAsync<NodeException>(() => pki.RenewAsync([NodeCertificate.Kubelet], source, _ => { }, default));
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>A node whose certificates ended, as after a month in which nobody renewed them.</summary>
[Collection(Cluster.FirstKubelet)]
public sealed class CertificateTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "certificates", Pki = "/run/operos/kubernetes/pki";
    private static readonly string[] Purposes = ["kubelet", "kubelet-serving", "kube-proxy", "agent"];

    [Fact]
    public async Task Certificates_that_ended_are_renewed_and_the_node_serves_again()
    {
        var id = await Cluster.IdOfAsync(Cluster.One);
        await Cluster.ApplyAsync(SamplePods.Namespace(Space) + SamplePods.Pod(Space, "a", id));
        await SamplePods.RunAsync(Cluster, Space, 1);
        await Cluster.UntilAsync("the pod is asked through the kubelet", async () => await EchoAsync() == "well");

        await Cluster.One.RunAsync("systemctl", ["stop", "operos-worker.service"], default);
        foreach (var purpose in Purposes) End(purpose);
        await Cluster.CrashAsync(Cluster.One, "kubelet.service");
        await Cluster.UntilAsync("the kubelet serves the certificate that ended", async () =>
        {
            try { return await EchoAsync() != "well"; }
            catch (LabException e) { return e.Message.Contains("expired", StringComparison.Ordinal); }
        });

        await Cluster.One.RunAsync("systemctl", ["start", "operos-worker.service"], default);
        await Cluster.UntilAsync("the pod is asked again", async () => await EchoAsync() == "well");
        foreach (var purpose in Purposes)
            Assert.True(Read(purpose).NotAfter > DateTime.Now.AddDays(20), $"{purpose} ends {Read(purpose).NotAfter:u}");
        await Cluster.WholeAsync();
        var restarts = await Cluster.KubectlAsync($"-n {Space} get pod a -o jsonpath={{.status.containerStatuses[0].restartCount}}");
        Assert.Equal("0", restarts);
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");
    }

    private async Task<string> EchoAsync() => (await Cluster.KubectlAsync($"-n {Space} exec a -- echo well")).Trim();

    private string PathOf(string purpose) => Cluster.One.PathOf($"{Pki}/{purpose}.pem");

    private X509Certificate2 Read(string purpose) => X509Certificate2.CreateFromPem(File.ReadAllText(PathOf(purpose)));

    /// <summary>Replaces a certificate by one that ended a minute ago: of the same authority, names and uses, with a new key.</summary>
    private void End(string purpose)
    {
        var (crt, caKey) = (Path.Combine(Cluster.Authorities, "ca.crt"), Path.Combine(Cluster.Authorities, "ca.key"));
        using var authority = X509Certificate2.CreateFromPemFile(crt, caKey);
        using var old = Read(purpose);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(old.SubjectName, key, HashAlgorithmName.SHA256);
        foreach (var extension in old.Extensions) request.CertificateExtensions.Add(extension);
        var now = DateTimeOffset.UtcNow;
        using var ended = request.Create(authority, now.AddHours(-12), now.AddMinutes(-1), RandomNumberGenerator.GetBytes(16));
        File.WriteAllText(PathOf(purpose), $"{ended.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
    }
}

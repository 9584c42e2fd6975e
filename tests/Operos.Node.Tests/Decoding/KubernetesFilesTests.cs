using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Operos.ControlPlane.Certificates;
using Operos.ControlPlane.Components;
using Operos.ControlPlane.Configuration;
using Operos.ControlPlane.Objects;
using Operos.Ctl.Commands;
using Operos.Kubernetes;
using Operos.Lab;
using Operos.Node.Configuration;
using Operos.Proto;

namespace Operos.Node.Tests.Decoding;

/// <summary>All that is written for Kubernetes' programs is what their own newest types and loaders take.</summary>
public sealed class KubernetesFilesTests(KubernetesDecoder decoder) : IClassFixture<KubernetesDecoder>, IDisposable
{
    private readonly TestFolder folder = new();
    private readonly TestAuthority authority = new();

    public static TheoryData<string> Odd => new("n", "on", "1e3", "0x10", "012", "~", "null", "1_000", "12:30:45", "2026-11-28", "<<", "'");

    [Theory]
    [InlineData("1.20.2", "v1")]
    [InlineData("1.23.17", "v1")]
    [InlineData("1.27.0", "v1")]
    [InlineData("1.32.0", "v1beta1")]
    [InlineData("1.34.1", "v1")]
    public async Task Files_of_each_version_are_taken_by_the_newest(string version, string authentication)
    {
        var files = WriteNode(Settings.Node() with { Taints = [new NodeTaint("node-role.kubernetes.io/control-plane", "", "NoSchedule")] },
            Settings.Facts(version));
        files.AddRange(WriteControlPlane(KubernetesVersion.Parse(version)));
        var read = await decoder.ReadAsync(files);

        Dictionary<string, string> expected = new()
        {
            ["kubelet.yaml"] = "kubelet.config.k8s.io/v1beta1, Kind=KubeletConfiguration",
            ["kube-proxy.yaml"] = "kubeproxy.config.k8s.io/v1alpha1, Kind=KubeProxyConfiguration",
            ["audit-policy.json"] = "audit.k8s.io/v1, Kind=Policy",
            ["encryption.json"] = "apiserver.config.k8s.io/v1, Kind=EncryptionConfiguration",
        };
        foreach (var client in (string[])["kubelet", "kube-proxy", "kube-controller-manager", "kube-scheduler"])
            expected[client + ".kubeconfig"] = "/v1, Kind=Config";
        if (KubernetesVersion.Parse(version).IsAtLeast(1, 32))
            expected["authentication.json"] = $"apiserver.config.k8s.io/{authentication}, Kind=AuthenticationConfiguration";
        Assert.Equal(expected.OrderBy(file => file.Key),
            read.Select(file => KeyValuePair.Create(file.Key, file.Value.Kind)).OrderBy(file => file.Key));
    }

    [Fact]
    public async Task Objects_that_every_cluster_has_are_objects_of_the_newest_API()
    {
        var objects = BuiltInObjects.For(ControlPlane()).Select(value => value.ToJsonString())
            .Concat(SampleWorkload.Manifest(2).Split("---\n")).ToList();
        Assert.True(objects.Count > 6);
        var read = await decoder.ReadAsync(objects.Select((text, number) => Write($"{number}.yaml", text)));
        Assert.Equal(objects.Count, read.Count);
        Assert.Contains(read.Values, value => value.Kind == "apps/v1, Kind=Deployment");
    }

    [Fact]
    public async Task What_operosctl_writes_for_kubectl_is_taken_by_it()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var issued = new ApiCredentials
        {
            ApiServer = "https://10.77.0.1:6443", Authority = authority.Pem, ExpiresUnixMs = 1_900_000_000_000,
            Certificate = authority.Sign(NodeCertificate.Agent, new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256)),
        };
        var request = new IssueApiCredentials { Csr = [1], User = "0x10", Groups = ["on", "1e3"], LifeSeconds = 3600 };
        var renewing = ExecCredential.Of(folder.Path, request);
        var read = await decoder.ReadAsync([
            Write("held.kubeconfig", KubeconfigCommand.Write(issued, "1e3", KubeconfigCommand.WithKey(issued, key))),
            Write("renewing.kubeconfig", KubeconfigCommand.Write(issued, "on", renewing.Command())),
            Write("credential.json", renewing.Keep(issued, key)),
        ]);
        Assert.Equal("1e3", User(read["held.kubeconfig"].Value).GetProperty("name").GetString());
        var exec = User(read["renewing.kubeconfig"].Value).GetProperty("user").GetProperty("exec");
        var words = exec.GetProperty("args").EnumerateArray().Select(word => word.GetString()).ToList();
        Assert.All((string[])["0x10", "on", "1e3"], word => Assert.Contains(word, words));
        Assert.Equal("client.authentication.k8s.io/v1beta1, Kind=ExecCredential", read["credential.json"].Kind);
    }

    /// <summary>What YAML would take for a flag, a number, nothing or a time comes back as the text that it was.</summary>
    [Theory]
    [MemberData(nameof(Odd))]
    public async Task A_name_is_a_text_whatever_it_looks_like(string name)
    {
        var settings = Settings.Node() with
        {
            Name = name, Taints = [new NodeTaint(name, name, name)],
            Cluster = Settings.Node().Cluster with { ClusterDomain = name, DnsAddress = name, PodNetwork = name },
        };
        var paths = new NodePaths();
        var read = await decoder.ReadAsync([
            Write("kubelet", KubeletConfiguration.Write(settings, Settings.Facts("1.34.1") with { ResolvConf = name }, paths)),
            Write("kube-proxy", KubeProxyConfiguration.Write(settings, Settings.Facts("1.34.1"), paths)),
            Write("kubeconfig", Kubeconfig.Write(name, name, name)),
        ], load: false);

        var kubelet = read["kubelet"].Value;
        Assert.Equal(name, kubelet.GetProperty("clusterDomain").GetString());
        Assert.Equal(name, kubelet.GetProperty("resolvConf").GetString());
        Assert.Equal(name, Assert.Single(kubelet.GetProperty("clusterDNS").EnumerateArray()).GetString());
        var taint = Assert.Single(kubelet.GetProperty("registerWithTaints").EnumerateArray());
        Assert.All((string[])["key", "value", "effect"], part => Assert.Equal(name, taint.GetProperty(part).GetString()));
        Assert.Equal(name, read["kube-proxy"].Value.GetProperty("hostnameOverride").GetString());
        Assert.Equal(name, read["kube-proxy"].Value.GetProperty("clusterCIDR").GetString());
        var user = User(read["kubeconfig"].Value).GetProperty("user");
        Assert.Equal((name, name),
            (user.GetProperty("client-certificate").GetString(), user.GetProperty("client-key").GetString()));
    }

    /// <summary>The control: the decoder refuses what Kubernetes' programs would refuse or leave out.</summary>
    [Theory]
    [InlineData("clusterDomain: \"a\"\n", "clusterDomain: on\n", "clusterDomain")]
    [InlineData("clusterDomain: \"a\"\n", "clusterDomain: 1e3\n", "clusterDomain")]
    [InlineData("cgroupDriver: systemd\n", "cgroupDriver: systemd\ncgroupDriver: systemd\n", "already set")]
    [InlineData("cgroupDriver: systemd\n", "cgroupdriver: systemd\n", "unknown field")]
    [InlineData("v1beta1", "v1beta9", "no kind")]
    public async Task What_Kubernetes_would_not_take_is_refused(string part, string instead, string why)
    {
        var settings = Settings.Node() with { Cluster = Settings.Node().Cluster with { ClusterDomain = "a" } };
        var right = KubeletConfiguration.Write(settings, Settings.Facts("1.34.1"), new NodePaths());
        Assert.Contains(part, right, StringComparison.Ordinal);
        var path = Write("kubelet", right.Replace(part, instead, StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<LabException>(() => decoder.ReadAsync([path]));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        folder.Dispose();
        authority.Dispose();
    }

    private List<string> WriteNode(NodeSettings settings, NodeFacts facts)
    {
        var paths = folder.Paths;
        new NodeFiles(paths).Write(settings, facts);
        Directory.CreateDirectory(paths.Pki);
        // Loaders look whether what a kubeconfig names is there.
        foreach (var file in (string[])[paths.AuthorityFile, .. ((string[])[NodeCertificate.Kubelet, NodeCertificate.KubeProxy])
            .Select(paths.Credential)]) File.WriteAllText(file, authority.Pem);
        return [.. Directory.EnumerateFiles(paths.Run).Where(file => Path.GetExtension(file) is ".yaml" or ".kubeconfig")];
    }

    private List<string> WriteControlPlane(KubernetesVersion version)
    {
        ControlPlanePaths paths = new()
        {
            Pki = In("pki"), Run = In("control-plane"), Etcd = In("etcd"), Audit = In("audit"), AddOns = In("add-ons"),
        };
        var secrets = ClusterSecrets.OpenOrCreate(paths.Pki, TimeProvider.System);
        var certificates = new ControlPlaneCertificates(paths.Run, ControlPlane(), secrets, TimeProvider.System);
        certificates.Renew();
        new ComponentFiles(ControlPlane(), paths, certificates).Write(version);
        var written = Directory.EnumerateFiles(paths.Run).Where(file => Path.GetExtension(file) is ".json" or ".kubeconfig");
        return [.. written, secrets.Encryption];
    }

    private static ControlPlaneSettings ControlPlane() => new()
    {
        Address = IPAddress.Parse("10.77.0.1"), ClusterDomain = "cluster.local", Kubernetes = new(), Agent = "operos-controller/test",
    };

    private static JsonElement User(JsonElement kubeconfig) => Assert.Single(kubeconfig.GetProperty("users").EnumerateArray());

    private string In(string name) => Path.Combine(folder.Path, name);

    private string Write(string name, string text)
    {
        File.WriteAllText(In(name), text);
        return In(name);
    }
}

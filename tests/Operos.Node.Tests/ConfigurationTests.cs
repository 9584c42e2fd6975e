using System.Text;
using Operos.Kubernetes;
using Operos.Node.Configuration;

namespace Operos.Node.Tests;

public sealed class ConfigurationTests
{
    /// <summary>1.20: first; 1.23: taints move into the file; 1.27: the runtime's endpoint does; 1.34: current.</summary>
    [Theory]
    [InlineData("1.20.2")]
    [InlineData("1.23.17")]
    [InlineData("1.27.0")]
    [InlineData("1.34.1")]
    public void The_kubelets_files_are_as_its_version_wants_them(string version)
    {
        var settings = Settings.Node() with { Taints = [new NodeTaint("node-role.kubernetes.io/control-plane", "", "NoSchedule")] };
        var paths = new NodePaths();
        var written = new StringBuilder(NodeFiles.Arguments(KubeletConfiguration.Arguments(settings, Settings.Facts(version), paths))
            .Replace(" --", "\n  --", StringComparison.Ordinal))
            .Append("---\n").Append(KubeletConfiguration.Write(settings, Settings.Facts(version), paths)).ToString();
        Assert.Equal(Golden($"kubelet-{version}.txt", written), written);
    }

    [Fact]
    public void Kube_proxys_files()
    {
        var settings = Settings.Node();
        var facts = Settings.Facts("1.20.2");
        var paths = new NodePaths();
        var written = NodeFiles.Arguments(KubeProxyConfiguration.Arguments(paths)) + "---\n"
            + KubeProxyConfiguration.Write(settings, facts, paths)
            + "---\n" + Kubeconfig.Write(settings.Cluster.ApiServer, paths.AuthorityFile, paths.Credential("kube-proxy"));
        Assert.Equal(Golden("kube-proxy.txt", written), written);
        Assert.Contains("maxPerCore: 0\n", KubeProxyConfiguration.Write(settings, facts with { SizesConnectionTable = false }, paths),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("operos.io/release", "0.1.0", true)]
    [InlineData("rack", "7", true)]
    [InlineData("topology.kubernetes.io/zone", "a", true)]
    [InlineData("node.kubernetes.io/instance-type", "r1", true)]
    [InlineData("x.node.kubernetes.io/y", "", true)]
    [InlineData("topology.kubernetes.io/rack", "7", false)]
    [InlineData("node-role.kubernetes.io/worker", "", false)]
    [InlineData("node-restriction.kubernetes.io/x", "", false)]
    [InlineData("apps.k8s.io/x", "1", false)]
    [InlineData("operos.io/model", "PowerEdge R740", false)]
    [InlineData("operos.io/x,y", "1", false)]
    [InlineData("a/b/c", "1", false)]
    [InlineData("-x", "1", false)]
    public void A_kubelet_gets_the_labels_that_it_may_set(string key, string value, bool given) =>
        Assert.Equal(given, NodeLabels.ForKubelet(new Dictionary<string, string> { [key] = value }).Any());

    [Fact]
    public void Only_a_change_makes_a_service_stale_and_it_stays_so_until_started()
    {
        using var folder = new TestFolder();
        var files = new NodeFiles(folder.Paths);
        files.Write(Settings.Node(), Settings.Facts("1.20.2"));
        Assert.True(files.IsStale(NodeService.Kubelet) && files.IsStale(NodeService.KubeProxy));
        files.MarkFresh(NodeService.Kubelet);
        files.MarkFresh(NodeService.KubeProxy);

        var again = new NodeFiles(folder.Paths);
        again.Write(Settings.Node(), Settings.Facts("1.20.2"));
        Assert.False(again.IsStale(NodeService.Kubelet) || again.IsStale(NodeService.KubeProxy));

        again.Write(Settings.Node() with { ReservedMemoryBytes = 1L << 30 }, Settings.Facts("1.20.2"));
        Assert.True(new NodeFiles(folder.Paths).IsStale(NodeService.Kubelet));
        Assert.False(again.IsStale(NodeService.KubeProxy));
        Assert.Contains("memory: 1024Mi", File.ReadAllText(folder.Paths.Configuration(NodeService.Kubelet)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--x=a b")]
    [InlineData("--x=\"")]
    [InlineData("--x=$(id)")]
    [InlineData("--x=a\nB=1")]
    public void A_word_that_a_unit_would_read_otherwise_is_refused(string word) =>
        Assert.Throws<FormatException>(() => NodeFiles.Arguments(["--ok", word]));

    [Theory]
    [InlineData("Kubernetes v1.20.2", 1, 20, 2)]
    [InlineData("Kubernetes v1.34.1-rc.0+abc", 1, 34, 1)]
    public void A_version_is_read(string text, int major, int minor, int patch) =>
        Assert.Equal(new KubernetesVersion(major, minor, patch), KubernetesVersion.Parse(text));

    [Fact]
    public void What_is_no_version_is_said() => Assert.Throws<FormatException>(() => KubernetesVersion.Parse("kubelet: not found"));

    /// <summary>
    /// With OPEROS_WRITE_GOLDEN set to the folder of this project, writes what there is to review; the test fails then all the same.
    /// </summary>
    private static string Golden(string name, string written)
    {
        if (Environment.GetEnvironmentVariable("OPEROS_WRITE_GOLDEN") is { Length: > 0 } project)
        {
            File.WriteAllText(Path.Combine(project, "Golden", name), written);
            return "written; review it";
        }
        return File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", name));
    }
}

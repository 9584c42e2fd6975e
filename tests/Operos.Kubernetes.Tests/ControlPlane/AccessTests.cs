using System.Globalization;
using System.Text.Json.Nodes;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>Who may do what.</summary>
[Collection(Cluster.Alone)]
public sealed class AccessTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    [Fact]
    public async Task The_control_plane_is_ready_from_nothing_and_its_built_in_objects_are_there()
    {
        Output.WriteLine(
            $"healthy after {Cluster.TimeToHealthy.TotalSeconds:0.0} s, three nodes Ready after {Cluster.TimeToReady.TotalSeconds:0.0} s");
        Assert.Contains("10.11.0.1", await Cluster.KubectlAsync("get service kubernetes"), StringComparison.Ordinal);
        Assert.Contains("10.11.0.10", await Cluster.KubectlAsync("-n kube-system get service kube-dns"), StringComparison.Ordinal);
        Assert.Contains("10.77.0.1:53", await Cluster.KubectlAsync("-n kube-system get endpoints kube-dns"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kubeconfig_lets_its_user_do_what_its_groups_may_and_a_life_out_of_bounds_is_refused()
    {
        Assert.Contains("kube-system", await Cluster.KubectlAsync("get namespaces"), StringComparison.Ordinal);
        var eve = await Cluster.KubeconfigAsync("eve", "--user", "eve", "--group", "guests", "--life", "5m");
        Assert.Contains("User \"eve\" cannot list", await Cluster.RefusedAsync("get namespaces", eve), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(eve));
        Assert.Contains("from 1 minute to 24 hours", (await Assert.ThrowsAsync<LabException>(
            () => Cluster.CtlAsync("kubeconfig", "--life", "25h"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_renewing_kubeconfig_holds_no_key_and_serves_a_revoked_operator_no_longer_than_what_it_has()
    {
        var (carol, kubeconfig) = (Cluster.PathOf("carol"), Cluster.PathOf("carol.kubeconfig"));
        await Cluster.CtlAsync("operators", "add", "carol", "--role", "admin", "--out", carol);
        await Cluster.CtlAsAsync(carol, "kubeconfig", "--renewing", "--user", "carol", "--group", "system:masters", "--out", kubeconfig);
        Assert.DoesNotContain("client-key-data", await File.ReadAllTextAsync(kubeconfig), StringComparison.Ordinal);
        Assert.Contains("kube-system", await Cluster.KubectlAsync("get namespaces", kubeconfig), StringComparison.Ordinal);
        var kept = Assert.Single(Directory.GetFiles(carol, "kubernetes-*.json"));
        var first = await File.ReadAllTextAsync(kept);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(kept));
        var ends = JsonNode.Parse(first)!["status"]!["expirationTimestamp"]!.GetValue<DateTimeOffset>();
        Assert.InRange(ends - DateTimeOffset.UtcNow, TimeSpan.FromMinutes(50), TimeSpan.FromHours(1));
        // What is fresh is used again; what is not makes kubectl's call take another.
        await Cluster.KubectlAsync("get namespaces", kubeconfig);
        Assert.Equal(first, await File.ReadAllTextAsync(kept));
        var year = ends.Year.ToString(CultureInfo.InvariantCulture);
        await File.WriteAllTextAsync(kept, first.Replace($"\"{year}-", "\"2020-", StringComparison.Ordinal));
        await Cluster.KubectlAsync("get namespaces", kubeconfig);
        Assert.NotEqual(first, await File.ReadAllTextAsync(kept));

        await Cluster.CtlAsync("operators", "revoke", "carol", "--yes");
        // As when its hour is over.
        File.Delete(kept);
        Assert.Contains("does not count", await Cluster.RefusedAsync("get namespaces", kubeconfig), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/v1/namespaces")]
    [InlineData("/healthz")]
    [InlineData("/version")]
    public async Task Strangers_are_refused(string path)
    {
        var code = await Cluster.Network.RunAsync("curl",
            ["-sk", "-o", "/dev/null", "-w", "%{http_code}", $"https://{NativeController.Address}:6443{path}"], default);
        Assert.Equal("401", code);
    }

    [Fact]
    public async Task Secrets_are_encrypted_in_etcd_and_etcd_takes_no_certificate_of_another_authority()
    {
        await Cluster.KubectlAsync("create secret generic hidden --from-literal=word=abracadabra");
        var raw = await EtcdAsync("agent-etcd", "get", "/registry/secrets/default/hidden");
        Assert.Contains("k8s:enc:secretbox:v1:key1:", raw, StringComparison.Ordinal);
        Assert.DoesNotContain("abracadabra", raw, StringComparison.Ordinal);
        // The control: what is not secret is readable there.
        Assert.Contains("kube-root-ca.crt", await EtcdAsync("agent-etcd", "get", "/registry/configmaps/default/kube-root-ca.crt"),
            StringComparison.Ordinal);
        // Who is refused connects again until its time is over: what ends is the connection, not the patience with an answer.
        var refused = await Assert.ThrowsAsync<LabException>(
            () => EtcdAsync("agent", "get", "/registry/secrets/default/hidden", "--command-timeout=4s"));
        Assert.Contains("connection error", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dnsmasq_s_user_reads_no_key_of_the_controller()
    {
        const string Folders = "/etc/operos /var/lib/operos /run/operos --exclude=*.squashfs --exclude=*.img";
        const string Look = $"grep -rlE 'BEGIN [A-Z ]*PRIVATE KEY|secretbox|^ +secret: ' {Folders} 2>/dev/null; true";
        var found = await Cluster.Controller.RunAsync("sh", ["-c", Look], default);
        // The control: this is how they are found by who may read them.
        foreach (var name in (string[])["/pki/ca.key", "/pki/kubernetes/ca.key", "/service-account.key", "/encryption.json",
            "/operosctl/client.pem", "/knot.conf", "/etcd/member/"])
            Assert.Contains(name, found, StringComparison.Ordinal);
        var process = (await Cluster.Controller.RunAsync("pgrep", ["-x", "dnsmasq"], default)).Trim();
        var status = (await Cluster.Controller.RunAsync("cat", [$"/proc/{process}/status"], default)).Split('\n')
            .Select(line => line.Split('\t')).Where(words => words.Length > 1).ToDictionary(words => words[0], words => words[1]);
        Assert.NotEqual("0", status["Uid:"]);
        var asDnsmasq = await Cluster.Controller.RunAsync(
            "setpriv", [$"--reuid={status["Uid:"]}", $"--regid={status["Gid:"]}", "--clear-groups", "sh", "-c", Look], default);
        Assert.Equal("", asDnsmasq);
    }

    [Fact]
    public async Task A_kubelet_may_change_its_own_node_alone()
    {
        var (own, other) = (await Cluster.IdOfAsync(Cluster.One), await Cluster.IdOfAsync(Cluster.Two));
        var kubelet = await Cluster.KubeconfigAsync("kubelet", "--user", $"system:node:{own}", "--group", "system:nodes");
        await Cluster.KubectlAsync($"label node {own} mine=yes", kubelet);
        var refused = await Cluster.RefusedAsync($"label node {other} mine=yes", kubelet);
        Assert.Contains($"not allowed to modify node \"{other}\"", refused, StringComparison.Ordinal);
        refused = await Cluster.RefusedAsync($"label node {own} node-restriction.kubernetes.io/zone=x", kubelet);
        Assert.Contains("is not allowed to modify labels", refused, StringComparison.Ordinal);
        Assert.Contains("Forbidden", await Cluster.RefusedAsync("-n kube-system get secrets", kubelet), StringComparison.Ordinal);
        await Cluster.KubectlAsync($"label node {own} mine-", kubelet);
    }

    [Fact]
    public async Task A_node_s_agent_may_read_what_networking_needs_and_no_secret()
    {
        var agent = await Cluster.KubeconfigAsync("agent", "--user", "operos:node:x", "--group", "operos:nodes");
        foreach (var kind in (string[])["nodes", "pods", "namespaces", "networkpolicies"])
            await Cluster.KubectlAsync($"get {kind} -A", agent);
        Assert.Contains("Forbidden", await Cluster.RefusedAsync("get secrets -A", agent), StringComparison.Ordinal);
        var node = await Cluster.IdOfAsync(Cluster.One);
        Assert.Contains("Forbidden", await Cluster.RefusedAsync($"delete node {node}", agent), StringComparison.Ordinal);
    }

    private Task<string> EtcdAsync(string certificate, params string[] arguments) =>
        Cluster.Controller.RunAsync("env",
            [
                "ETCDCTL_API=3", "etcdctl", "--endpoints=https://127.0.0.1:2379", "--dial-timeout=3s", "--command-timeout=15s",
                $"--cacert={Cluster.Pki}/etcd-ca.crt", $"--cert={Cluster.Pki}/{certificate}.crt", $"--key={Cluster.Pki}/{certificate}.key",
                .. arguments,
            ], default);
}

using System.Security.Cryptography;
using System.Text;
using Operos.Lab;

namespace Operos.Node.Tests.Cluster;

/// <summary>A bare control plane of real programs at 10.77.0.1: enough for nodes to join. The controller's own is tested elsewhere.</summary>
internal sealed class ApiServer(Build build, LabFolder folder, LabNetwork network, TestAuthority authority)
{
    private string Binary(string name) => Path.Combine(build.Out, "kubernetes/bin", name);

    public async Task StartAsync()
    {
        Directory.CreateDirectory(folder["cp"]);
        await File.WriteAllTextAsync(folder["cp/ca.crt"], authority.Pem);
        foreach (var (name, subject) in new[] { ("api", "CN=kube-apiserver"), ("admin", "O=system:masters, CN=admin"), ("kubelet-client", "O=system:masters, CN=kubelet-client"), ("cm", "CN=system:kube-controller-manager"), ("scheduler", "CN=system:kube-scheduler") })
        {
            await File.WriteAllTextAsync(folder[$"cp/{name}.pem"], authority.Issue(subject, "10.77.0.1"));
            await File.WriteAllTextAsync(folder[$"cp/{name}.kubeconfig"], Configuration.Kubeconfig.Write("https://10.77.0.1:6443", folder["cp/ca.crt"], folder[$"cp/{name}.pem"]));
        }
        using var key = RSA.Create(2048);
        await File.WriteAllTextAsync(folder["cp/sa.key"], key.ExportRSAPrivateKeyPem());
        network.Start("etcd", ["--data-dir", folder["cp/etcd"], "--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379", "--listen-peer-urls", "http://127.0.0.1:2380", "--unsafe-no-fsync"], folder["etcd.log"]);
        network.Start(Binary("kube-apiserver"),
        [
            "--etcd-servers", "http://127.0.0.1:2379", "--advertise-address", "10.77.0.1", "--bind-address", "0.0.0.0", "--client-ca-file", folder["cp/ca.crt"], "--tls-cert-file", folder["cp/api.pem"], "--tls-private-key-file", folder["cp/api.pem"],
            "--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction", "--anonymous-auth=false", "--service-cluster-ip-range", "10.11.0.0/16", "--service-account-issuer", "https://kubernetes",
            "--service-account-key-file", folder["cp/sa.key"], "--service-account-signing-key-file", folder["cp/sa.key"], "--kubelet-client-certificate", folder["cp/kubelet-client.pem"], "--kubelet-client-key", folder["cp/kubelet-client.pem"],
            "--kubelet-certificate-authority", folder["cp/ca.crt"], "--kubelet-preferred-address-types", "InternalIP",
        ], folder["kube-apiserver.log"]);
        network.Start(Binary("kube-controller-manager"), ["--kubeconfig", folder["cp/cm.kubeconfig"], "--allocate-node-cidrs", "--cluster-cidr", "10.10.0.0/16", "--service-account-private-key-file", folder["cp/sa.key"], "--root-ca-file", folder["cp/ca.crt"], "--use-service-account-credentials"], folder["kube-controller-manager.log"]);
        network.Start(Binary("kube-scheduler"), ["--kubeconfig", folder["cp/scheduler.kubeconfig"]], folder["kube-scheduler.log"]);
        await Eventually.HoldsAsync("the API server answers", TimeSpan.FromMinutes(4), async () => (await KubectlAsync("get", "serviceaccount", "default")).Contains("default", StringComparison.Ordinal));
        await KubectlAsync("create", "clusterrole", "operos-node", "--verb=get,list,watch", "--resource=nodes,pods,namespaces,networkpolicies.networking.k8s.io");
        await KubectlAsync("create", "clusterrolebinding", "operos-node", "--clusterrole=operos-node", "--group=operos:nodes");
        await KubectlAsync("create", "clusterrolebinding", "kube-proxy", "--clusterrole=system:node-proxier", "--user=system:kube-proxy");
    }

    public Task<string> KubectlAsync(params string[] arguments) => network.RunAsync(Binary("kubectl"), ["--kubeconfig", folder["cp/admin.kubeconfig"], "--cache-dir", folder["cp/cache"], .. arguments], default);

    public async Task ApplyAsync(string manifest)
    {
        await File.WriteAllTextAsync(folder["manifest.yaml"], manifest, Encoding.UTF8);
        await KubectlAsync("apply", "-f", folder["manifest.yaml"]);
    }
}

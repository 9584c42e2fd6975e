using System.Text;
using System.Text.Json;
using Operos.Lab;

namespace Operos.Node.Tests.Cluster;

/// <summary>Two workers of the real layers join a real control plane by themselves.</summary>
public sealed class ReadyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task Two_workers_become_Ready_and_their_pods_talk_and_outlive_the_agent()
    {
        var build = new Build();
        using var folder = LabFolder.Create(Path.Combine(build.Out, "test"), "node-ready");
        var network = await LabNetwork.CreateAsync(folder, "10.77.0.1/24", default);
        using var cluster = new TestAuthority("CN=operos");
        using var kubernetes = new TestAuthority();
        var api = new ApiServer(build, folder, network, kubernetes);
        await api.StartAsync();
        await using var controller = new AdmittingController(cluster, kubernetes);
        controller.Start(new NamespaceSockets(network.Name).Listen(7443));
        await File.WriteAllTextAsync(folder["cluster-ca.crt"], cluster.Pem);
        using var one = await StartAsync(build, folder, network, 1);
        using var two = await StartAsync(build, folder, network, 2);

        await Eventually.HoldsAsync($"both are Ready\n{controller.Describe(one.Address)}", Patience, async () => (await api.KubectlAsync("get", "nodes")).Split(" Ready ").Length == 3);
        await Eventually.HoldsAsync("all steps are done", Patience, () => Task.FromResult(controller.Steps(one.Address) is { Count: 8 } steps && steps.All(step => step.Done)));

        await api.ApplyAsync(Pod("a", AdmittingController.NodeName(one.Address)) + Pod("b", AdmittingController.NodeName(two.Address)) + Service);
        await Eventually.HoldsAsync("both pods run", Patience, async () => await api.KubectlAsync("get", "pods", "-o", "jsonpath={.items[*].status.phase}") == "Running Running");
        var b = await api.KubectlAsync("get", "pod", "b", "-o", "jsonpath={.status.podIP}");
        var service = await api.KubectlAsync("get", "service", "b", "-o", "jsonpath={.spec.clusterIP}");
        // Logs and exec pass the kubelet's serving certificate.
        await Eventually.HoldsAsync("a reaches b", Patience, async () => await AskAsync(api, $"{b} 8080") == "b");
        Assert.Equal("b", await AskAsync(api, $"{service} 80"));

        var before = await Processes(one);
        await one.RunAsync("systemctl", ["kill", "--signal=KILL", "operos-worker.service"], default);
        await Eventually.HoldsAsync("the agent is back", Patience, async () => (await one.RunAsync("systemctl", ["is-active", "operos-worker.service"], default, check: false)).Trim() == "active" && controller.Steps(one.Address).All(step => step.Done));
        Assert.Equal(before, await Processes(one));

        // A Node deleted under a running kubelet comes back; a machine that is removed ends its pods and its keys.
        await api.KubectlAsync("delete", "node", AdmittingController.NodeName(two.Address));
        await Eventually.HoldsAsync("the Node is back", Patience, async () => (await api.KubectlAsync("get", "nodes")).Split(" Ready ").Length == 3);
        controller.Admits = false;
        await Eventually.HoldsAsync("the machine left", Patience, async () => (await one.RunAsync("sh", ["-c", "ls /run/operos/kubernetes/pki /etc/cni/net.d/10-operos.conflist 2>/dev/null; ip route show proto 108; systemctl is-active kubelet; ctr -n k8s.io tasks list -q"], default, check: false)).Trim() == "inactive");
    }

    /// <summary>What a pod gets from another; by nc, for wget of a static busybox does not run without a resolver's libraries.</summary>
    private static async Task<string> AskAsync(ApiServer api, string where) =>
        (await api.KubectlAsync("exec", "a", "--", "sh", "-c", $"printf 'GET /etc/hostname HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {where}")).Trim().Split('\n')[^1];

    private static Task<NativeWorker> StartAsync(Build build, LabFolder folder, LabNetwork network, int number) =>
        NativeWorker.StartAsync(build, folder, network, number, folder["cluster-ca.crt"], Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { format = 1, system = new { vendor = "Acme", serial = $"NATIVE{number}" } })), default);

    /// <summary>What the agent's end must not touch. containerd lists its tasks in any order.</summary>
    private static async Task<string> Processes(NativeWorker worker) =>
        await worker.RunAsync("systemctl", ["show", "--property=MainPID,NRestarts", "kubelet.service", "kube-proxy.service", "containerd.service"], default) + await worker.RunAsync("sh", ["-c", "ctr -n k8s.io tasks list | sort"], default);

    private const string Service = """
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: b }
        spec: { selector: { app: b }, ports: [{ port: 80, targetPort: 8080 }] }

        """;

    private static string Pod(string name, string node) => $$"""
        ---
        apiVersion: v1
        kind: Pod
        metadata: { name: {{name}}, labels: { app: {{name}} } }
        spec:
          nodeName: {{node}}
          terminationGracePeriodSeconds: 1
          containers:
          - name: sample
            image: operos/sample:1
            imagePullPolicy: Never
            command: ["httpd", "-f", "-p", "8080", "-h", "/"]

        """;
}

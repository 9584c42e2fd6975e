using System.Net;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>Who reaches whom: pods each other as policies say, and the outside with their node's address.</summary>
[Collection(Cluster.Alone)]
public sealed class PolicyTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "policies";
    private const int OutsidePort = 8088;

    private const string DenyAll = $$"""
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: { name: closed, namespace: {{Space}} }
        spec: { podSelector: {}, policyTypes: [Ingress] }

        """;

    private const string AllowFriends = $$"""
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: { name: open, namespace: {{Space}} }
        spec:
          podSelector: { matchLabels: { app: server } }
          ingress: [{ from: [{ podSelector: { matchLabels: { app: friend } } }], ports: [{ port: http }] }]

        """;

    [Fact]
    public async Task Default_deny_closes_pods_and_a_rule_by_label_and_port_name_opens_them_to_friends()
    {
        var (one, two) = (await Cluster.IdOfAsync(Cluster.One), await Cluster.IdOfAsync(Cluster.Two));
        await Cluster.ApplyAsync(SamplePods.Namespace(Space) + SamplePods.Pod(Space, "friend", one) + SamplePods.Pod(Space, "stranger", one)
            + SamplePods.Pod(Space, "server", two) + SamplePods.Service(Space, "server"));
        await SamplePods.RunAsync(Cluster, Space, 3);
        foreach (var pod in (string[])["friend", "stranger"])
            await Cluster.UntilAsync($"{pod} reaches the server", () => GetsAsync(pod, "server"));

        await Cluster.ApplyAsync(DenyAll);
        await Cluster.UntilAsync("default deny closes the server", () => GetsAsync("friend", "refused"));
        await Cluster.ApplyAsync(AllowFriends);
        await Cluster.UntilAsync("the rule opens it", () => GetsAsync("friend", "server"));
        Assert.Equal("refused", await SamplePods.AskAsync(Cluster, Space, "stranger", "server", 80));
        await Cluster.KubectlAsync($"-n {Space} delete networkpolicy --all");
        await Cluster.UntilAsync("without policies all is open", () => GetsAsync("stranger", "server"));
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");

        async Task<bool> GetsAsync(string from, string answer) => await SamplePods.AskAsync(Cluster, Space, from, "server", 80) == answer;
    }

    [Fact]
    public async Task A_host_outside_sees_the_address_of_a_pod_s_node()
    {
        const string Own = "egress";
        await Cluster.ApplyAsync(SamplePods.Namespace(Own) + SamplePods.Pod(Own, "client", await Cluster.IdOfAsync(Cluster.One)));
        await SamplePods.RunAsync(Cluster, Own, 1);
        using var listener = new NamespaceSockets(Cluster.Network.Name).Listen(OutsidePort);
        var accepting = listener.AcceptAsync();
        var ask = $"nc -w 5 {NativeCluster.Outside} {OutsidePort} < /dev/null";
        var asking = Cluster.KubectlAsync(["-n", Own, "exec", "client", "--", "sh", "-c", ask]);
        using (var accepted = await accepting.WaitAsync(TimeSpan.FromMinutes(1)))
        {
            Assert.Equal(Cluster.One.Address, ((IPEndPoint)accepted.RemoteEndPoint!).Address.ToString());
            await accepted.SendAsync("from outside\n"u8.ToArray());
        }
        Assert.Equal("from outside", (await asking).Trim());
        await Cluster.KubectlAsync($"delete namespace {Own} --wait=false");
    }
}

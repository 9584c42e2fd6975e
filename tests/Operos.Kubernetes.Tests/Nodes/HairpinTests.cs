namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>A pod that calls itself by its service: through kube-proxy's rules, back down its own cable.</summary>
[Collection(Cluster.FirstKubelet)]
public sealed class HairpinTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "hairpin", Self = "self";

    private const string Closed = $$"""
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: { name: closed, namespace: {{Space}} }
        spec: { podSelector: {}, policyTypes: [Ingress] }

        """;

    private const string FromItself = $$"""
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: { name: from-itself, namespace: {{Space}} }
        spec: { podSelector: {}, ingress: [{ from: [{ podSelector: { matchLabels: { app: {{Self}} } } }] }] }

        """;

    [Fact]
    public async Task A_pod_reaches_itself_by_its_service_unless_a_policy_closes_its_ingress_to_its_own_labels()
    {
        var one = await Cluster.IdOfAsync(Cluster.One);
        await Cluster.ApplyAsync(SamplePods.Namespace(Space) + SamplePods.Pod(Space, Self, one) + SamplePods.Service(Space, Self));
        await SamplePods.RunAsync(Cluster, Space, 1);
        var service = await Cluster.KubectlAsync($"-n {Space} get service {Self} -o jsonpath={{.spec.clusterIP}}");
        await BecomesAsync(service, Self);
        await Cluster.ApplyAsync(Closed);
        await BecomesAsync(service, "refused");
        // What never leaves the pod no policy sees.
        Assert.Equal(Self, await SamplePods.AskAsync(Cluster, Space, Self, "127.0.0.1", SamplePods.Port));
        await Cluster.ApplyAsync(FromItself);
        await BecomesAsync(service, Self);
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");
    }

    private Task BecomesAsync(string service, string answer) => Cluster.UntilAsync($"it gets '{answer}' from its service",
        async () => await SamplePods.AskAsync(Cluster, Space, Self, service, 80) == answer);
}

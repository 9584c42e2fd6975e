namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>Names as pods ask for them.</summary>
[Collection(Cluster.Alone)]
public sealed class NameTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "names", Address = "10.10.250.7";

    /// <summary>No endpoints of the older kind: nobody mirrors a slice back.</summary>
    private const string Sliced = $$"""
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: sliced, namespace: {{Space}} }
        spec: { clusterIP: None, ports: [{ name: http, port: 80 }] }
        ---
        apiVersion: discovery.k8s.io/v1beta1
        kind: EndpointSlice
        metadata: { name: sliced-1, namespace: {{Space}}, labels: { kubernetes.io/service-name: sliced } }
        addressType: IPv4
        ports: [{ name: http, port: 80, protocol: TCP }]
        endpoints: [{ addresses: [{{Address}}], conditions: { ready: true } }]

        """;

    private const string ByLabel = "namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } }, "
        + "podSelector: { matchLabels: { k8s-app: kube-dns } }", ByAddress = "ipBlock: { cidr: 10.11.0.10/32 }";

    [Fact]
    public async Task Endpoint_slices_have_names_and_pods_ask_for_them_under_the_usual_policies()
    {
        await Cluster.ApplyAsync(SamplePods.Namespace(Space)
            + SamplePods.Pod(Space, "client", await Cluster.IdOfAsync(Cluster.One)) + Sliced);
        await SamplePods.RunAsync(Cluster, Space, 1);
        await Cluster.UntilAsync("the slice has a name", FindsAsync);
        await Cluster.ApplyAsync(Policy("closed", ""));
        await Cluster.UntilAsync("default deny closes names too", async () => !await FindsAsync());
        foreach (var peer in (string[])[ByLabel, ByAddress])
        {
            await Cluster.ApplyAsync(Policy("names",
                $"[{{ to: [{{ {peer} }}], ports: [{{ port: 53, protocol: UDP }}, {{ port: 53 }}] }}]"));
            await Cluster.UntilAsync($"names are open by {peer}", FindsAsync);
            await Cluster.KubectlAsync($"-n {Space} delete networkpolicy names");
            await Cluster.UntilAsync("they are closed again", async () => !await FindsAsync());
        }
        await Cluster.KubectlAsync($"delete namespace {Space} --wait=false");
    }

    private static string Policy(string name, string egress) => $$"""
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: { name: {{name}}, namespace: {{Space}} }
        spec: { podSelector: {}, policyTypes: [Egress], egress: {{(egress.Length == 0 ? "[]" : egress)}} }

        """;

    private async Task<bool> FindsAsync() => (await Cluster.KubectlAsync(["-n", Space, "exec", "client", "--", "sh", "-c",
        $"timeout 3 nslookup sliced.{Space}.svc.cluster.local 10.11.0.10 2>&1 || true"])).Contains(Address, StringComparison.Ordinal);
}

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>A node whose Node is taken away; its agent waits a minute, for whoever removes the machine does that, too.</summary>
public sealed class RegistrationTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    [Fact]
    [Trait("stage", "patient")]
    public async Task A_Node_that_is_deleted_under_its_kubelet_comes_back()
    {
        var id = await Cluster.IdOfAsync(Cluster.Two);
        await Cluster.KubectlAsync($"delete node {id}");
        // Until then it is a machine that is up and no node, and that is told.
        await Cluster.UntilAsync("the missing Node is told", async () => (await Cluster.StatusAsync()).ToString()
            is var status && status.Contains("2 of 3 nodes Ready", StringComparison.Ordinal)
            && status.Contains($"{id}: no Node yet: operosctl why", StringComparison.Ordinal));
        await Cluster.UntilAsync("the Node is back",
            async () => (await Cluster.KubectlAsync($"get node {id}")).Contains(" Ready ", StringComparison.Ordinal));
        await Cluster.WholeAsync();
    }
}

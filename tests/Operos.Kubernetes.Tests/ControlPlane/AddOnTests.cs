namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>A folder of manifests is what the cluster has.</summary>
public sealed class AddOnTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Kind = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: { name: lamps.test.operos.io }
        spec:
          group: test.operos.io
          scope: Namespaced
          names: { plural: lamps, singular: lamp, kind: Lamp }
          versions:
          - { name: v1, served: true, storage: true,
              schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }
        ---
        apiVersion: test.operos.io/v1
        kind: Lamp
        metadata: { name: desk, namespace: add-on }
        ---
        apiVersion: v1
        kind: Namespace
        metadata: { name: add-on }
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: colour, namespace: add-on }
        data: { colour: "red" }
        """;

    [Fact]
    public async Task Add_ons_are_applied_changed_and_pruned_and_a_broken_file_deletes_nothing()
    {
        var file = Path.Combine(Cluster.AddOns, "lamps.yaml");
        await File.WriteAllTextAsync(file, Kind);
        await Cluster.UntilAsync("all objects are there, the new kind's too",
            async () => (await Cluster.KubectlAsync("-n add-on get lamps,configmaps -o name")) is var names
            && names.Contains("/desk", StringComparison.Ordinal) && names.Contains("/colour", StringComparison.Ordinal));
        Assert.Contains("operos.io/add-on=lamps", await Cluster.KubectlAsync("-n add-on get configmap colour --show-labels"),
            StringComparison.Ordinal);

        await File.WriteAllTextAsync(file, Kind.Replace("\"red\"", "\"blue\"", StringComparison.Ordinal));
        await Cluster.UntilAsync("the change is applied",
            async () => await Cluster.KubectlAsync("-n add-on get configmap colour -o jsonpath={.data.colour}") == "blue");

        await File.WriteAllTextAsync(file, "kind: [Broken");
        await Cluster.UntilAsync("the error is in the status", async () => (await Cluster.StatusAsync())["add-ons"] is var part
            && !part.Healthy && part.Text.Contains("lamps.yaml: line", StringComparison.Ordinal));
        await Cluster.KubectlAsync("-n add-on get configmap colour");

        // Made by hand and not by us: it stays, whatever happens to the add-on.
        await Cluster.KubectlAsync("create configmap by-hand");
        var half = Kind.Split("---")[2] + "---\n" + Kind.Split("---")[0];
        await File.WriteAllTextAsync(file, half);
        await Cluster.UntilAsync("what was taken out is deleted",
            async () => !(await Cluster.KubectlAsync("-n add-on get configmaps -o name")).Contains("colour", StringComparison.Ordinal));
        File.Delete(file);
        await Cluster.UntilAsync("nothing of it is left",
            async () => !(await Cluster.KubectlAsync("get namespaces,customresourcedefinitions -o name"))
            .Contains("add-on", StringComparison.Ordinal));
        await Cluster.KubectlAsync("get configmap by-hand");
        await Cluster.UntilAsync("the status is well again", async () => (await Cluster.StatusAsync())["add-ons"].Healthy);
    }
}

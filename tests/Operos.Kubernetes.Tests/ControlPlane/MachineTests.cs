using System.Text.Json;
using System.Text.Json.Nodes;
using Operos.Hardware.Inventories;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>Machines and their Nodes. The worker's agent is the real one, without a kubelet: its Node is made by hand.</summary>
[Collection("control plane")]
public sealed class MachineTests(Cluster cluster)
{
    private const string Stranger = "11111111-2222-4333-8444-555555555555";

    [Fact]
    public async Task A_Node_of_no_admitted_machine_is_deleted()
    {
        await cluster.ApplyAsync($"apiVersion: v1\nkind: Node\nmetadata: {{ name: {Stranger} }}\n");
        await Cluster.UntilAsync("the stranger's Node is gone", async () => !(await cluster.KubectlAsync("get nodes -o name")).Contains(Stranger, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_machine_is_explained_labelled_drained_with_respect_for_budgets_and_forgotten()
    {
        using var off = new CancellationTokenSource();
        var inventory = new Inventory { System = new Identity { Vendor = "Acme", Product = "R 1", Serial = "SYS-77", Uuid = "10000000-0000-4000-8000-000000000077" }, Nics = [new Nic { Mac = "3c:ec:ef:00:00:77" }] };
        await File.WriteAllBytesAsync(cluster.PathOf("inventory.json"), inventory.ToJson());
        var worker = cluster.WorkerAsync(cluster.PathOf("inventory.json"), cluster.PathOf("worker"), off.Token);
        try
        {
            var id = "";
            await Cluster.UntilAsync("the worker is up", async () => (id = (await cluster.Controller.WorkersAsync(default)).FirstOrDefault(machine => machine.GetProperty("state").GetString() == "up") is { ValueKind: JsonValueKind.Object } found ? found.GetProperty("id").GetString()! : "").Length > 0);
            Assert.Contains("held up at step 'registered'", await cluster.CtlAsync("why", id), StringComparison.Ordinal);
            await cluster.CtlAsync("machines", "rename", id, "rack1-1");
            await cluster.CtlAsync("machines", "label", id, "rack=r1");

            await cluster.ApplyAsync($"apiVersion: v1\nkind: Node\nmetadata: {{ name: {id} }}\n");
            await Cluster.UntilAsync("its Node is labelled", async () => (await cluster.KubectlAsync($"get node {id} --show-labels")) is var labels && ((string[])["operos.io/name=rack1-1", "operos.io/model=Acme-R-1", "operos.io/rack=r1", "node-role.kubernetes.io/worker="]).All(label => labels.Contains(label, StringComparison.Ordinal)));
            Assert.Contains("held up at step 'ready': its kubelet has not reported yet", await cluster.CtlAsync("why", id), StringComparison.Ordinal);

            await RunPodAsync(id);
            var refused = (await Assert.ThrowsAsync<LabException>(() => cluster.CtlAsync("machines", "remove", id, "--yes", "--drain-seconds", "3"))).Message;
            Assert.Contains("default/guarded", refused, StringComparison.Ordinal);
            Assert.Contains("disruption budget", refused, StringComparison.Ordinal);
            Assert.Contains("true", await cluster.KubectlAsync($"get node {id} -o jsonpath={{.spec.unschedulable}}"), StringComparison.Ordinal);

            await cluster.KubectlAsync("delete poddisruptionbudget guard");
            Assert.Contains("is removed", await cluster.CtlAsync("machines", "remove", id, "--yes", "--drain-seconds", "20"), StringComparison.Ordinal);
            await Cluster.UntilAsync("its Node is gone", async () => !(await cluster.KubectlAsync("get nodes -o name")).Contains(id, StringComparison.Ordinal));
        }
        finally
        {
            await off.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => worker);
        }
    }

    /// <summary>A pod on the node, guarded by a budget, said to run as its kubelet would say.</summary>
    private async Task RunPodAsync(string node)
    {
        await Cluster.UntilAsync("the default service account is there", async () => (await cluster.KubectlAsync("get serviceaccount default -o name")).Length > 0);
        await cluster.ApplyAsync($$"""
            apiVersion: policy/v1beta1
            kind: PodDisruptionBudget
            metadata: { name: guard }
            spec: { minAvailable: 1, selector: { matchLabels: { guarded: "yes" } } }
            ---
            apiVersion: v1
            kind: Pod
            metadata: { name: guarded, labels: { guarded: "yes" } }
            spec: { nodeName: {{node}}, containers: [{ name: c, image: "operos/sample:1" }] }
            """);
        var pod = JsonNode.Parse(await cluster.KubectlAsync("get pod guarded -o json"))!;
        pod["status"]!["phase"] = "Running";
        pod["status"]!["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True" });
        await File.WriteAllTextAsync(cluster.PathOf("pod.json"), pod.ToJsonString());
        await cluster.KubectlAsync($"replace --raw /api/v1/namespaces/default/pods/guarded/status -f {cluster.PathOf("pod.json")}");
        await Cluster.UntilAsync("the budget counts it", async () => await cluster.KubectlAsync("get poddisruptionbudget guard -o jsonpath={.status.currentHealthy}") == "1");
    }
}

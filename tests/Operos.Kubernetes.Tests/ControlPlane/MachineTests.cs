using Operos.Hardware.Inventories;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>Machines and their Nodes where there is no kubelet: the worker's agent is the real one, its Node is made by hand.</summary>
[Collection(Cluster.Alone)]
public sealed class MachineTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private static readonly string[] Labels = ["operos.io/name=rack1-1", "operos.io/model=Acme-R-1", "operos.io/rack=r1",
        "node-role.kubernetes.io/worker="];
    private const string Stranger = "11111111-2222-4333-8444-555555555555", Address = NativeCluster.Outside;

    [Fact]
    public async Task A_Node_of_no_admitted_machine_is_deleted()
    {
        await Cluster.ApplyAsync($"apiVersion: v1\nkind: Node\nmetadata: {{ name: {Stranger} }}\n");
        await Cluster.UntilAsync("the stranger's Node is gone", async () => !await HasNodeAsync(Stranger));
    }

    [Fact]
    public async Task A_Node_stays_whose_machine_s_record_is_damaged_or_whose_machine_runs_and_is_known_to_no_record()
    {
        const string Damaged = "22222222-2222-4333-8444-555555555555", Older = "33333333-2222-4333-8444-555555555555";
        var record = Path.Combine(Cluster.MachineRecords, Damaged + ".json");
        await File.WriteAllTextAsync(record, "{ \"id\": ");
        try
        {
            await Cluster.CrashAsync(Cluster.Controller, "operos-controller.service");
            await Cluster.UntilAsync("the status names the file", async () => (await Cluster.StatusAsync())["records"] is (false, var text)
                && text.Contains(Damaged + ".json.damaged", StringComparison.Ordinal));
            await Cluster.ApplyAsync($"apiVersion: v1\nkind: Node\nmetadata: {{ name: {Damaged} }}\n");
            // As a kubelet registers it.
            await Cluster.ApplyAsync($"apiVersion: v1\nkind: Node\nmetadata: {{ name: {Older} }}\nstatus: {{ conditions: [{{ type: Ready, "
                + "status: \"True\", reason: KubeletReady, message: ready }] }\n");
            await Cluster.ApplyAsync($"apiVersion: v1\nkind: Node\nmetadata: {{ name: {Stranger} }}\n");
            await Cluster.UntilAsync("the stranger's Node is gone", async () => !await HasNodeAsync(Stranger));
            // Two more looks at all Nodes.
            await Task.Delay(TimeSpan.FromSeconds(6));
            Assert.True(await HasNodeAsync(Damaged));
            Assert.True(await HasNodeAsync(Older));
            Assert.Contains($"the Node {Older} is of no machine in the registry", await Cluster.CtlAsync("status"),
                StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(record + ".damaged");
            await Cluster.KubectlAsync($"delete node {Damaged} {Older} --ignore-not-found");
            await Cluster.CrashAsync(Cluster.Controller, "operos-controller.service");
            await Cluster.WholeAsync();
        }
    }

    [Fact]
    public async Task A_machine_is_explained_labelled_and_forgotten_with_its_Node()
    {
        using var off = new CancellationTokenSource();
        var inventory = new Inventory
        {
            System = new Identity { Vendor = "Acme", Product = "R 1", Serial = "SYS-77", Uuid = "10000000-0000-4000-8000-000000000077" },
            Nics = [new Nic { Mac = "3c:ec:ef:00:00:77" }],
        };
        await File.WriteAllBytesAsync(Cluster.PathOf("inventory.json"), inventory.ToJson());
        var worker = Cluster.WorkerAsync(Cluster.PathOf("inventory.json"), Cluster.PathOf("worker"), off.Token);
        try
        {
            await Cluster.ApproveAsync();
            var id = "";
            await Cluster.UntilAsync("the worker is up", async () => (id = await FindUpAsync()).Length > 0);
            Assert.Contains("held up at step 'registered'", await Cluster.CtlAsync("why", id), StringComparison.Ordinal);
            await Cluster.CtlAsync("machines", "rename", id, "rack1-1");
            await Cluster.CtlAsync("machines", "label", id, "rack=r1");

            await Cluster.ApplyAsync($"apiVersion: v1\nkind: Node\nmetadata: {{ name: {id} }}\n");
            await Cluster.UntilAsync("its Node is labelled", async () =>
                await Cluster.KubectlAsync($"get node {id} --show-labels") is var labels
                    && Labels.All(label => labels.Contains(label, StringComparison.Ordinal)));
            var why = await Cluster.CtlAsync("why", id);
            Assert.Contains("held up at step 'ready': its kubelet has not reported yet", why, StringComparison.Ordinal);

            var told = await Cluster.CtlAsync("machines", "remove", id, "--yes", "--drain-seconds", "20");
            Assert.Contains("is removed", told, StringComparison.Ordinal);
            await Cluster.UntilAsync("its Node is gone", async () => !await HasNodeAsync(id));
        }
        finally
        {
            await off.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => worker);
        }
    }

    private async Task<bool> HasNodeAsync(string id) =>
        (await Cluster.KubectlAsync("get nodes -o name")).Contains(id, StringComparison.Ordinal);

    /// <summary>The id of the machine that is up at our address; empty where none is.</summary>
    private async Task<string> FindUpAsync()
    {
        var known = await Cluster.WorkersAsync();
        return known.Where(machine => machine is { State: "up", Address: Address }).Select(machine => machine.Id).FirstOrDefault("");
    }
}

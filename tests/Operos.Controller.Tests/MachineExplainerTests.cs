using Operos.ControlPlane.Components;
using Operos.Controller.Cluster;
using Operos.Controller.Machines;
using Operos.Kubernetes.Objects;
using Operos.Proto;

namespace Operos.Controller.Tests;

/// <summary>The words for what keeps a machine from being Ready.</summary>
public sealed class MachineExplainerTests
{
    private const string Machine = "402fce53-3779-8c9f-ac73-4c34a31fc2bc";

    [Fact]
    public void An_explanation_names_the_first_step_that_is_not_done_and_its_last_error()
    {
        var record = new MachineRecord { Id = Machine, Standing = MachineStanding.Admitted, Inventory = TestController.Machine(1),
            FirstSeen = DateTimeOffset.UtcNow };
        var healthy = new ComponentHealth("kube-apiserver", true, "healthy", DateTimeOffset.UtcNow);
        var pending = MachineExplainer.Explain(record with { Standing = MachineStanding.Pending }, "operosctl machines approve x", false,
            [], healthy, null, []);
        Assert.Contains("step 'admitted': it waits for an operator: operosctl machines approve x", pending.Text, StringComparison.Ordinal);
        Assert.Contains(pending.Steps, step => step is { Name: "connected", Text: "comes after 'admitted'" });
        Assert.Contains("step 'connected'", MachineExplainer.Explain(record, null, false, [], healthy, null, []).Text,
            StringComparison.Ordinal);
        IReadOnlyList<NodeStep> steps = [new NodeStep { Name = "images", Done = true },
            new NodeStep { Name = "containerd", Done = false, Text = "ended with code 1: no space left" }];
        foreach (var (kind, connected) in (IReadOnlyList<(string, bool)>)[("worker", true), ("controller", false)])
            Assert.Contains("step 'containerd': ended with code 1: no space left",
                MachineExplainer.Explain(record with { Kind = kind }, null, connected, steps, healthy, null, []).Text,
                StringComparison.Ordinal);
    }

    [Fact]
    public void A_kubelet_that_meets_DiskPressure_says_so_with_the_way_out()
    {
        var record = new MachineRecord { Id = Machine, Standing = MachineStanding.Admitted, Inventory = TestController.Machine(1),
            FirstSeen = DateTimeOffset.UtcNow };
        var healthy = new ComponentHealth("kube-apiserver", true, "healthy", DateTimeOffset.UtcNow);
        var node = new NodeObject { Status = new() { Conditions = [new() { Type = "Ready", Status = "True" },
            new() { Type = "DiskPressure", Status = "True", Reason = "KubeletHasDiskPressure", Message = "kubelet has disk pressure" }] } };
        var told = MachineExplainer.Explain(record, null, true, [], healthy, node, []);
        Assert.True(told.Ready);
        Assert.Contains("step 'DiskPressure': KubeletHasDiskPressure: kubelet has disk pressure; images, logs and what pods write",
            told.Text, StringComparison.Ordinal);
        Assert.EndsWith("operosctl disks list", told.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("boot-2", "boot-2", "True", null)]
    [InlineData("boot-2", "boot-2", "False", "KubeletNotReady: no network")]
    [InlineData("boot-2", "boot-2", null, "its kubelet has not reported yet")]
    [InlineData("boot-2", "boot-1", "True", "up again: its kubelet has not reported in this boot")]
    [InlineData("boot-2", null, null, "its kubelet has not reported yet")]
    [InlineData("boot-2", null, "True", "its kubelet has not reported yet")]
    [InlineData(null, "boot-1", "True", "its agent is not connected")]
    [InlineData("", "boot-1", "True", "its agent is not connected")]
    public void A_Node_is_Ready_by_the_word_of_a_kubelet_of_this_boot_alone(string? boot, string? said, string? ready, string? why)
    {
        var condition = new ObjectCondition { Type = "Ready", Status = ready, Reason = "KubeletNotReady", Message = "no network" };
        var node = new NodeObject { Status = new NodeStatus
        {
            NodeInfo = said is null ? null : new NodeInfo { BootID = said }, Conditions = ready is null ? [] : [condition],
        } };
        Assert.Equal(why, MachineExplainer.NotReady(node, boot));
    }
}

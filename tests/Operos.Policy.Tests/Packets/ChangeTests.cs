using System.Net;
using Operos.Lab;
using Operos.Policy.Compiling;
using Operos.Policy.Nftables;
using Operos.Policy.Policies;
using k8s.Models;

namespace Operos.Policy.Tests.Packets;

/// <summary>What happens while things change, with real packets.</summary>
[Collection("packets")]
public sealed class ChangeTests
{
    [Fact]
    public async Task A_policy_that_is_deleted_no_longer_holds()
    {
        await using var lab = await PodLab.CreateAsync("policy-deleted");
        using var applier = lab.Applier();
        var view = (lab.World with { Policies = [Case.Policy("shop", Case.Everything, ["Ingress"])] }).View();
        await applier.ApplyAsync(PolicyCompiler.Compile(view, lab.World.NodeView), default);
        Assert.False(await lab.Hosts["b"].ReachesAsync(lab.Hosts["a"], "TCP", 80, expected: false));
        view.RemovePolicy(new ObjectKey("shop", "first"));
        var applied = await applier.ApplyAsync(PolicyCompiler.Compile(view, lab.World.NodeView), default);
        Assert.False(applied.IsReplacement);
        Assert.True(await lab.Hosts["b"].ReachesAsync(lab.Hosts["a"], "TCP", 80, expected: true));
    }

    [Fact]
    public async Task A_connection_ends_when_its_pod_is_relabelled_and_lives_again_with_the_label()
    {
        await using var lab = await PodLab.CreateAsync("policy-relabelled");
        using var applier = lab.Applier();
        var view = (lab.World with { Policies = [Case.Policy("shop", Case.App("web"), ingress: [Case.In([Case.Pods(Case.App("api"))])])] })
            .View();
        Task ApplyAsync() => applier.ApplyAsync(PolicyCompiler.Compile(view, lab.World.NodeView), default);
        await ApplyAsync();
        using var connection = await lab.Hosts["b"].ConnectAsync(lab.Hosts["a"], 80);
        Assert.True(await LabHost.AnswersAsync(connection, expected: true));
        view.Set(PodLab.Pod("b", app: "other"));
        await ApplyAsync();
        Assert.False(await LabHost.AnswersAsync(connection, expected: false));
        Assert.False(await lab.Hosts["b"].ReachesAsync(lab.Hosts["a"], "TCP", 80, expected: false));
        view.Set(PodLab.Pod("b"));
        await ApplyAsync();
        // TCP sends again what was lost.
        Assert.True(await LabHost.AnswersAsync(connection, expected: true));
    }

    [Fact]
    public async Task A_pod_is_cut_off_both_ways_until_its_address_is_known_and_its_policy_in_force()
    {
        await using var lab = await PodLab.CreateAsync("policy-new");
        using var applier = lab.Applier();
        using var enforcer = new PolicyEnforcer(lab.World.NodeView, applier);
        using var stop = new CancellationTokenSource();
        var running = enforcer.RunAsync(stop.Token);
        var (newcomer, a, x) = (lab.Hosts["new"], lab.Hosts["a"], lab.Hosts["x"]);
        enforcer.Change(view =>
        {
            view.ReplacePods(lab.World.Pods);
            view.ReplaceNamespaces(lab.World.Namespaces);
            view.Set(Case.Policy("shop", Case.App("web"), ingress: [Case.In([Case.Pods(Case.App("web"))])]));
        });
        enforcer.Begin();
        await enforcer.AdmitAsync(new ObjectKey("shop", "a"), null, [IPAddress.Parse(a.V4)], default).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(await x.ReachesAsync(lab.Hosts["c"], "TCP", 80, expected: true));
        Assert.False(await newcomer.ReachesAsync(x, "TCP", 80, expected: false));
        Assert.False(await x.ReachesAsync(newcomer, "TCP", 80, expected: false));
        Assert.False(await newcomer.ReachesAsync(a, "UDP", 53, expected: false));

        // The address is known before the pod is: nobody knows its labels, and it stays cut off.
        var admission = enforcer.AdmitAsync(new ObjectKey("shop", "new"), "uid-2", [IPAddress.Parse(newcomer.V4)], default);
        var pod = PodLab.Pod("new") with { Status = new V1PodStatus { Phase = "Pending" } };
        enforcer.Change(view => view.Set(pod with { Metadata = pod.Metadata with { Uid = "uid-1" } }));
        await Task.Delay(300);
        Assert.False(admission.IsCompleted);
        Assert.False(await newcomer.ReachesAsync(x, "TCP", 80, expected: false));
        enforcer.Change(view => view.Set(pod with { Metadata = pod.Metadata with { Uid = "uid-2" } }));
        await admission.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(await newcomer.ReachesAsync(x, "TCP", 80, expected: true));
        Assert.True(await newcomer.ReachesAsync(a, "UDP", 53, expected: true));
        Assert.False(await x.ReachesAsync(newcomer, "TCP", 80, expected: false));
        Assert.False(await x.ReachesAsync(a, "TCP", 80, expected: false));

        enforcer.Release(new ObjectKey("shop", "new"), "uid-2");
        await UntilAsync("the newcomer is shut out", async () => !await newcomer.ReachesAsync(x, "TCP", 80, expected: false));
        Assert.Null(enforcer.State.Error);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task A_borrowed_address_opens_nothing_where_pods_have_interfaces_of_their_own(bool watched)
    {
        await using var lab = await PodLab.CreateAsync("policy-borrowed");
        using var applier = lab.Applier();
        var (a, b, c) = (lab.Hosts["a"], lab.Hosts["b"], lab.Hosts["c"]);
        var world = lab.World with { Policies = [Case.Policy(
            "lab", Case.Everything, ingress: [Case.In([new V1NetworkPolicyPeer
            { NamespaceSelector = Case.Team("shop"), PodSelector = Case.App("web") }])])] };
        await applier.ApplyAsync(PolicyCompiler.Compile(world.View(), new NodeView(PodLab.Node, world.PodCidrs, watched ? "veth" : null)),
            default);
        await Lab.Shell.RunAsync("ip", ["-n", b.Namespace.Name, "address", "add", $"{a.V4}/32", "dev", "lo"], default);
        for (var i = 0; i < 20; i++) b.Send(c, 53, "borrowed", from: a.V4);
        a.Send(c, 53, "own");
        await UntilAsync("its own node's packet has arrived", () => Task.FromResult(c.Received("own") > 0));
        // Without the watch on interfaces the trick works: that is what the watch is for.
        Assert.Equal(watched, c.Received("borrowed") == 0);
    }

    [Fact]
    public async Task While_policies_are_replaced_again_and_again_no_denied_packet_gets_through()
    {
        const int Replacements = 200;
        await using var lab = await PodLab.CreateAsync("policy-window");
        var (a, b, c) = (lab.Hosts["a"], lab.Hosts["b"], lab.Hosts["c"]);
        // Each allows b and not c, by other rules, sets and chains.
        V1NetworkPolicy[][] turns =
        [
            [Case.Policy("shop", Case.App("web"), ingress: [Case.In([Case.Pods(Case.App("api"))])])],
            [Case.Policy("shop", Case.Everything, ingress: [Case.In([Case.Block(b.V4 + "/32")], Case.Port(53, "UDP"))])],
            [Case.Policy("shop", Case.App("web"), ["Ingress"]),
                Case.Policy("shop", Case.Everything, ingress: [Case.In([Case.Pods(Case.App("api"))], Case.Port(50, "UDP", 60))],
                name: "second")],
        ];
        var rulesets = turns.Select(policies => PolicyCompiler.Compile((lab.World with { Policies = policies }).View(), lab.World.NodeView))
            .ToList();
        using var applier = lab.Applier();
        await applier.ApplyAsync(rulesets[0], default);
        using var stop = new CancellationTokenSource();
        var sent = 0;
        // A thread of its own: it never waits, and the pool is for those who do.
        var flood = new Thread(() =>
        {
            using var socket = c.Namespace.Udp(System.Net.Sockets.AddressFamily.InterNetwork);
            var to = new IPEndPoint(IPAddress.Parse(a.V4), 53);
            for (; !stop.IsCancellationRequested; sent++)
            {
                socket.SendTo("denied"u8, to);
                if (sent % 16 == 15) Thread.Sleep(1);
            }
        });
        flood.Start();
        var (replaced, changed) = (0, 0);
        try
        {
            for (var i = 1; i <= Replacements; i++)
            {
                // A second applier that knows of nothing makes the whole table anew.
                using var other = lab.Applier();
                var applied = await (i % 4 == 0 ? other : applier).ApplyAsync(rulesets[i % 3], default);
                if (applied.IsReplacement) replaced++; else changed++;
                if (i % 4 == 0) await applier.AdoptAsync(default);
                b.Send(a, 53, $"allowed {i}");
            }
        }
        finally
        {
            await stop.CancelAsync();
            flood.Join();
        }
        var allowed = Enumerable.Range(1, Replacements).Select(i => $"allowed {i}").ToList();
        await UntilAsync("what was allowed has arrived",
            () => Task.FromResult(allowed.Count(packet => a.Received(packet) > 0) >= Replacements - 5));
        Assert.True(sent > Replacements * 10 && replaced == Replacements / 4 && changed == Replacements - replaced,
            $"{sent} packets, {replaced} replacements, {changed} changes");
        Assert.Equal(0, a.Received("denied"));
    }

    private static Task UntilAsync(string what, Func<Task<bool>> holds) => Wait.UntilAsync(what, TimeSpan.FromSeconds(15), holds);
}

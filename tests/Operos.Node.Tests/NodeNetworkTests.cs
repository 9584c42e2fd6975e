using System.Net;
using System.Text.Json;
using Operos.Lab;
using Operos.Node.Network;
using Operos.Policy.Nftables;

namespace Operos.Node.Tests;

/// <summary>Two nodes and a host outside, in namespaces with the real kernel, iproute2 and nftables.</summary>
public sealed class NodeNetworkTests
{
    [Fact]
    public async Task Pods_of_two_nodes_reach_each_other_unchanged_and_the_outside_sees_the_node()
    {
        await using var rack = await NodeRack.CreateAsync("network");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24", mtu: 1400);
        var b = await rack.AddNodeAsync("b", "10.77.0.12", "10.10.2.0/24", mtu: 1400);
        var outside = await rack.AddHostAsync("out", "10.77.0.200", 1400);
        await a.ApplyAsync(a, b);
        await b.ApplyAsync(a, b);
        var podA = await a.AddPodAsync("web-0");
        var podB = await b.AddPodAsync("web-1");
        Assert.Equal("10.10.1.2", podA.Address);

        // As it was sent: a policy on the other node must see the pod itself.
        Assert.Equal(podA.Address, await rack.AskSourceAsync(podA.Namespace, podB.Namespace, podB.Address));
        Assert.Equal(a.Address, await rack.AskSourceAsync(podA.Namespace, outside, "10.77.0.200"));
        // Another node is the outside too, whether or not it has routes.
        Assert.Equal(a.Address, await rack.AskSourceAsync(podA.Namespace, b.Namespace, b.Address));
        // A full frame and not a byte more fits on the way.
        Assert.Equal(1400, await podA.ReadMtuAsync());
        await Shell.RunAsync("nsenter", [$"--net=/run/netns/{podA.Namespace}", "ping", "-c1", "-W2", "-M", "do", "-s", "1372",
            podB.Address], default);

        // An address without a pod leads nowhere, instead of to the default gateway and back.
        // (The route of type unreachable says EHOSTUNREACH; no route at all would be ENETUNREACH.)
        Assert.Contains("No route to host", await a.PingAsync("10.10.77.7"), StringComparison.Ordinal);

        await a.DeletePodAsync(podA);
        Assert.DoesNotContain("10.10.1.2", await a.RunAsync("ip", "route"), StringComparison.Ordinal);
    }

    /// <summary>The name server bounds what one address may ask: seen as their node, all pods of one would share that.</summary>
    [Fact]
    public async Task The_name_server_sees_each_pod_itself_and_what_else_is_on_its_machine_sees_the_node()
    {
        await using var rack = await NodeRack.CreateAsync("names");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        var controller = await rack.AddHostAsync("controller", NodeRack.Gateway, 1500);
        await Shell.RunAsync("ip", ["-n", controller, "route", "add", a.Pods, "via", a.Address], default);
        await a.ApplyAsync(a);
        foreach (var pod in new[] { await a.AddPodAsync("web-0"), await a.AddPodAsync("web-1") })
        {
            Assert.Equal(pod.Address, await rack.AskSourceAsync(pod.Namespace, controller, NodeRack.Gateway, 53));
            Assert.Equal(a.Address, await rack.AskSourceAsync(pod.Namespace, controller, NodeRack.Gateway));
        }
    }

    [Fact]
    public async Task Routes_of_the_boot_before_are_there_before_the_API_server_tells_and_none_that_leads_elsewhere()
    {
        await using var rack = await NodeRack.CreateAsync("recall");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        var b = await rack.AddNodeAsync("b", "10.77.0.12", "10.10.2.0/24");
        var c = await rack.AddNodeAsync("c", "10.77.0.13", "10.10.3.0/24");
        await a.ApplyAsync(a, b, c);
        var routes = await a.RoutesAsync();
        await a.ClearAsync();
        Assert.Empty(await a.RoutesAsync());
        // The pod network is another since.
        await a.RecallAsync("10.20.0.0/16");
        Assert.Empty(await a.RoutesAsync());
        await a.RecallAsync();
        Assert.Equal(routes, await a.RoutesAsync());
        // What an agent of this boot has set is newer.
        await a.ApplyAsync(a, b);
        await File.WriteAllTextAsync(Path.Combine(a.Paths.Run, "kept", "routes.json"),
            """{"format":1,"routes":[{"pods":"10.10.9.0/24"}]}""");
        await a.RecallAsync();
        Assert.Equal(["10.10.2.0/24 via 10.77.0.12", "unreachable 10.10.0.0/16"], await a.RoutesAsync());
    }

    [Fact]
    public async Task Routes_left_by_another_agent_are_adopted_and_others_routes_are_never_touched()
    {
        await using var rack = await NodeRack.CreateAsync("routes");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        var b = await rack.AddNodeAsync("b", "10.77.0.12", "10.10.2.0/24");
        var c = await rack.AddNodeAsync("c", "10.77.0.13", "10.10.3.0/24");
        await a.RunAsync("ip", "route add 10.10.9.0/24 via 10.77.0.99");
        await a.RunAsync("ip", "route add 10.10.8.0/24 via 10.77.0.99 proto bird");
        await a.ApplyAsync(a, b, c);
        Assert.Equal(["10.10.2.0/24 via 10.77.0.12", "10.10.3.0/24 via 10.77.0.13", "unreachable 10.10.0.0/16"], await a.RoutesAsync());
        var monitor = await a.StartMonitorAsync();

        // Nothing changed: nothing is done. A new process each time, as after a restart of the agent.
        await a.ApplyAsync(a, b, c);
        Assert.Equal("", await monitor.ReadAsync());

        // c left, b came back with another address.
        await a.ApplyAsync(a, b with { Address = "10.77.0.22" });
        Assert.Equal(["10.10.2.0/24 via 10.77.0.22", "unreachable 10.10.0.0/16"], await a.RoutesAsync());
        await a.ClearAsync();
        var left = await a.RunAsync("ip", "route");
        Assert.DoesNotContain("proto 108", left, StringComparison.Ordinal);
        Assert.Contains("10.10.9.0/24 via 10.77.0.99", left, StringComparison.Ordinal);
        Assert.Contains("10.10.8.0/24 via 10.77.0.99 dev eth0 proto bird", left, StringComparison.Ordinal);
        Assert.DoesNotContain(Forwarding.Table, await a.RunAsync("nft", "list tables"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_behind_a_router_is_said_and_the_others_are_reached()
    {
        await using var rack = await NodeRack.CreateAsync("router");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        var b = await rack.AddNodeAsync("b", "10.77.0.12", "10.10.2.0/24");
        var error = await a.ApplyAsync(expectFailure: true, a, b with { Name = "far", Address = "192.168.5.5", Pods = "10.10.7.0/24" }, b);
        Assert.Contains("10.10.7.0/24 via 192.168.5.5", error, StringComparison.Ordinal);
        Assert.Contains("10.10.2.0/24 via 10.77.0.12", await a.RoutesAsync());
    }

    [Fact]
    public async Task The_chain_ends_a_pod_that_the_agent_does_not_admit()
    {
        await using var rack = await NodeRack.CreateAsync("chain");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        await a.ApplyAsync(a);
        rack.StopGate();
        var (code, output) = await a.TryAddPodAsync("web-0");
        Assert.Equal(1, code);
        Assert.Equal(11, JsonDocument.Parse(output).RootElement.GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task A_pod_ends_when_its_namespace_and_all_that_was_known_of_it_are_gone_and_twice()
    {
        await using var rack = await NodeRack.CreateAsync("gone");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        await a.ApplyAsync(a);
        var pod = await a.AddPodAsync("web-0");
        await Shell.RunAsync("ip", ["netns", "delete", pod.Namespace], default);
        rack.StopGate();
        Directory.Delete(a.Paths.Run, recursive: true);
        foreach (var knowsResult in (bool[])[true, false, false])
            Assert.All(await a.EndPodAsync(pod, knowsResult), answer => Assert.True(answer.Code == 0, answer.Output));
        // Its address is free again.
        Assert.DoesNotContain(Directory.EnumerateFiles(a.Paths.Run, "10.*", SearchOption.AllDirectories), _ => true);
    }

    [Fact]
    public async Task A_machine_that_leaves_or_gets_an_add_on_for_its_network_keeps_no_table_and_no_rule_of_ours()
    {
        await using var rack = await NodeRack.CreateAsync("leaves");
        var a = await rack.AddNodeAsync("a", "10.77.0.11", "10.10.1.0/24");
        await a.ApplyAsync(a);
        await a.CloseAsync(a);
        // As the policies' agent, kube-proxy, the kubelet and portmap write them, and somebody who is none of them.
        await a.RunAsync("nft", $"add table inet {Ruleset.Table}");
        const string Theirs = "-N MINE; -A MINE -p tcp -j ACCEPT; -A FORWARD -j MINE";
        foreach (var rule in (string[])
        [
            "-t nat -N KUBE-SERVICES", "-t nat -A PREROUTING -m comment --comment services -j KUBE-SERVICES",
            "-t nat -N KUBE-SEP-A", "-t nat -A KUBE-SEP-A -p tcp -j DNAT --to-destination 10.10.1.2:80",
            "-t nat -A KUBE-SERVICES -d 10.11.0.1 -g KUBE-SEP-A", "-t nat -N CNI-HOSTPORT-DNAT",
            "-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT", "-t filter -N KUBE-FIREWALL",
            "-t filter -A INPUT -j KUBE-FIREWALL", .. Theirs.Split("; "),
        ])
            await a.RunAsync("iptables", rule);
        await a.RunAsync("ip6tables", "-t nat -N KUBE-SERVICES");
        Assert.Equal(3, Ours(await a.RunAsync("nft", "list tables")));

        await a.ClearAsync();
        // The firewall stays with the node, whoever brings its network.
        Assert.Equal([$"table inet {NodeFirewall.Table}"],
            (await a.RunAsync("nft", "list tables")).Split('\n').Where(line => line.Contains("operos", StringComparison.Ordinal)));
        await a.ClearServicesAsync();
        await a.OpenAsync();
        Assert.Equal(0, Ours(await a.RunAsync("nft", "list tables")));
        foreach (var program in (string[])["iptables-save", "ip6tables-save"])
            Assert.DoesNotMatch("KUBE-|CNI-", await a.RunAsync(program, "-c"));
        Assert.Contains("-A FORWARD -j MINE", await a.RunAsync("iptables", "-S"), StringComparison.Ordinal);
        // Twice, as after an agent that died in the middle.
        await a.ClearAsync();
        await a.ClearServicesAsync();
        await a.OpenAsync();

        static int Ours(string tables) => tables.Split('\n').Count(line => line.Contains("operos", StringComparison.Ordinal));
    }

    [Fact]
    public void The_conflist_is_written_once_for_one_network()
    {
        using var folder = new TestFolder();
        Assert.True(CniConfiguration.Install(folder.Paths, IPNetwork.Parse("10.10.3.0/24"), 1500));
        Assert.False(CniConfiguration.Install(folder.Paths, IPNetwork.Parse("10.10.3.0/24"), 1500));
        Assert.True(CniConfiguration.Install(folder.Paths, IPNetwork.Parse("10.10.3.0/24"), 9000));
        Assert.Equal([CniConfiguration.FileName], Directory.EnumerateFiles(folder.Paths.CniConfiguration).Select(Path.GetFileName));
        CniConfiguration.Remove(folder.Paths);
        Assert.Empty(Directory.EnumerateFiles(folder.Paths.CniConfiguration));
    }
}

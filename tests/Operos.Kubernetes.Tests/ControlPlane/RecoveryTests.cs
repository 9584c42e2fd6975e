using System.Diagnostics;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>Whatever dies or expires, it comes back by itself.</summary>
[Collection(Cluster.Alone)]
public sealed class RecoveryTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Agent = "operos-controller.service";

    [Theory]
    [InlineData("etcd")]
    [InlineData("kube-apiserver")]
    [InlineData("kube-scheduler")]
    public async Task A_killed_component_comes_back_and_nothing_is_lost(string component)
    {
        await Cluster.KubectlAsync($"create configmap before-{component}");
        var started = Stopwatch.GetTimestamp();
        await Cluster.CrashAsync(Cluster.Controller, component + ".service");
        await Cluster.HealthyAsync();
        await Cluster.UntilAsync("what was written is there", async () => (await Cluster.KubectlAsync("get configmaps"))
            .Contains($"before-{component}", StringComparison.Ordinal));
        Output.WriteLine($"healthy {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s after the kill");
    }

    [Fact]
    public async Task A_component_that_cannot_start_says_why_and_runs_again_once_it_can()
    {
        var kubeconfig = Cluster.Controller.PathOf("/run/operos/kubernetes/kube-scheduler.kubeconfig");
        File.Move(kubeconfig, kubeconfig + ".away");
        try
        {
            await Cluster.Controller.KillAsync("kube-scheduler.service", default);
            await Cluster.UntilAsync("the status says why", async () => (await Cluster.StatusAsync())["kube-scheduler"] is (false, var text)
                && text.StartsWith("activating (auto-restart, exit-code): ", StringComparison.Ordinal)
                && text.Contains("kube-scheduler.kubeconfig: no such file", StringComparison.Ordinal));
        }
        finally { File.Move(kubeconfig + ".away", kubeconfig); }
        var started = Stopwatch.GetTimestamp();
        await Cluster.HealthyAsync();
        Output.WriteLine($"healthy {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s after its file was back");
    }

    [Fact]
    public async Task A_killed_agent_leaves_the_API_running_and_the_next_one_watches_it_again()
    {
        var before = await Cluster.ProcessesAsync();
        var agent = await Cluster.Controller.ProcessOfAsync(Agent, default);
        await Cluster.Controller.KillAsync(Agent, default);
        Assert.Contains("kube-system", await Cluster.KubectlAsync("get namespaces"), StringComparison.Ordinal);
        await Cluster.UntilAsync("another agent runs",
            async () => await Cluster.Controller.ProcessOfAsync(Agent, default) is var now && now != 0 && now != agent);
        await Cluster.WholeAsync();
        Assert.Equal(before, await Cluster.ProcessesAsync());
        await Cluster.CrashAsync(Cluster.Controller, "kube-scheduler.service");
        await Cluster.HealthyAsync();
    }

    [Fact]
    public async Task With_the_agent_gone_DHCP_TFTP_and_names_are_served_on_and_the_next_agent_takes_them_over()
    {
        string[] daemons = ["operos-dnsmasq", "operos-knot", "operos-unbound"];
        await Cluster.KubectlAsync("create service clusterip going --tcp=80 --clusterip=10.11.7.1");
        await AnswerAsync("going", "10.11.7.1");
        await Cluster.UntilAsync("the zone's file has it", async () => (await Cluster.Controller.RunAsync("grep",
            ["-c", "going.default", "/run/operos/dns/authority/cluster.local.zone"], default, check: false)).Trim() is not ("" or "0"));
        var before = await ProcessesAsync();
        Assert.DoesNotContain(0, before);
        await Cluster.Controller.KillAsync(Agent, default);
        await Cluster.Controller.RunAsync("systemctl", ["stop", Agent], default);
        try
        {
            Assert.Equal("10.11.7.1", await LookUpAsync("going"));
            await Cluster.Network.RunAsync("curl",
                ["-sS", "--max-time", "20", "-o", "/dev/null", $"tftp://{NativeController.Address}/lpxelinux.0"], default);
            await Cluster.KubectlAsync("delete service going");
            await Cluster.KubectlAsync("create service clusterip coming --tcp=80 --clusterip=10.11.7.2");
            Assert.Equal(before, await ProcessesAsync());
            // One that dies meanwhile is systemd's to start.
            foreach (var daemon in (string[])["operos-unbound.service", "operos-knot.service"])
            {
                await Cluster.CrashAsync(Cluster.Controller, daemon);
                await AnswerAsync("going", "10.11.7.1");
            }
            before = await ProcessesAsync();
        }
        finally { await Cluster.Controller.RunAsync("systemctl", ["start", Agent], default); }
        await Cluster.WholeAsync();
        await AnswerAsync("coming", "10.11.7.2");
        await AnswerAsync("going", "");
        Assert.Equal(before, await ProcessesAsync());
        // From now on by updates, with this agent's key.
        await Cluster.KubectlAsync("delete service coming");
        await AnswerAsync("coming", "");
        Assert.Equal(before, await ProcessesAsync());

        async Task<IReadOnlyList<int>> ProcessesAsync()
        {
            var processes = new List<int>();
            foreach (var daemon in daemons) processes.Add(await Cluster.ProcessOfAsync(daemon));
            return processes;
        }
    }

    private Task AnswerAsync(string service, string address) =>
        Cluster.UntilAsync($"{service} is {(address == "" ? "gone" : address)}", async () => await LookUpAsync(service) == address);

    private async Task<string> LookUpAsync(string service) => (await Cluster.Network.RunAsync("dig",
        [$"@{NativeController.Address}", "+short", "+time=2", "+tries=3", $"{service}.default.svc.cluster.local", "A"], default)).Trim();
}

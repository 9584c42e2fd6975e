using System.Diagnostics;
using System.Text.Json;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A whole cluster from power-on: a controller from its disk, two workers from the network, pods that talk. Nothing is configured on a worker.</summary>
[Collection(Guests.Clusters)]
public sealed class ClusterTests
{
    private const string Outside = "10.77.0.2";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10), PodPatience = TimeSpan.FromMinutes(4);

    private const string DenyAll = """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: closed}
        spec: {podSelector: {matchLabels: {app: sample}}, policyTypes: [Ingress]}

        """;

    private const string AllowSample = """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: open}
        spec:
          podSelector: {matchLabels: {app: sample}}
          ingress: [{from: [{podSelector: {matchLabels: {app: sample}}}], ports: [{port: http}]}]

        """;

    public static bool IsBuilt => new Build().HasKubernetes;

    [Fact(SkipUnless = nameof(IsBuilt), Skip = "the layers are without Kubernetes; ControllerTests runs instead")]
    public async Task Two_workers_become_Ready_by_themselves_their_pods_talk_as_policies_say_and_all_of_it_outlives_reboots()
    {
        var build = new Build();
        using var folder = LabFolder.Create(Path.Combine(build.Out, "test"), "Cluster");
        var network = await LabNetwork.CreateAsync(folder, $"{Outside}/24", default);
        var disk = await ControllerDisk.MakeAsync(build, folder, default);
        var machines = new List<VirtualMachine>();
        var clock = Stopwatch.StartNew();
        try
        {
            machines.Add(await VirtualMachine.StartAsync(disk.Machine, network, folder, default));
            // It serves boot traffic long before its API server is healthy; the workers' boot fills the core that it leaves idle.
            await UntilAsync("the controller answers", _ => true);
            foreach (var number in (int[])[1, 2])
                machines.Add(await VirtualMachine.StartAsync(new VirtualMachineOptions
                {
                    Name = $"worker-{number}", MemoryMiB = 1536, Uuid = $"5d0f8a44-7777-4c1c-9d6b-2f3d5a7b9c0{number}", Nics = [new VirtualNic($"52:54:00:aa:01:0{number}")], YieldsToController = true,
                }, network, folder, default));
            await UntilAsync("three nodes are Ready", status => status.ReadyNodes.Count == 3);

            // What a worker is told reaches it: the key lets its operator in, and its name is its UUID.
            var (worker, address) = (await WorkersAsync())[0];
            Assert.Equal(worker, (await disk.SshAsync(network, address, "hostname", default)).Trim());
            Assert.Equal("running", (await disk.SshAsync(network, ControllerDisk.Address, "systemctl is-system-running --wait", default)).Trim());
            await CtlAsync("machines", "rename", worker, "rack1-1");

            var kubectl = await Kubectl.CreateAsync(build, folder, network, disk.Admin, default);
            var pods = await SampleWorkload.RunAsync(kubectl, folder, PodPatience, default);
            Assert.Equal(2, pods.Select(pod => pod.Node).Distinct().Count());
            await SampleWorkload.AskAllAsync(kubectl, pods[0].Pod, [.. pods.Select(pod => pod.Node)], PodPatience, default);

            Tell("pods on both workers answer by their service's name");

            // A pod reaches a host outside the cluster, which sees the node's address.
            using var web = network.Start("busybox", ["httpd", "-f", "-p", $"{Outside}:8088", "-h", folder.Path], folder["outside.log"]);
            await File.WriteAllTextAsync(folder["hello"], "from outside");
            Assert.Equal("from outside", (await kubectl.WaitAsync(text => text.Contains("outside", StringComparison.Ordinal), PodPatience, default, SampleWorkload.Fetch(pods[0].Pod, Outside, 8088, "/hello"))).Trim());

            // Default deny closes the pods to each other; a rule for their label and the port's name opens them again.
            await ApplyAsync(kubectl, folder, "closed", DenyAll);
            await kubectl.WaitAsync(text => text.Contains("refused", StringComparison.Ordinal), PodPatience, default, SampleWorkload.Fetch(pods[0].Pod, SampleWorkload.Name, 80, "/"));
            await ApplyAsync(kubectl, folder, "open", AllowSample);
            await SampleWorkload.AskAllAsync(kubectl, pods[0].Pod, [.. pods.Select(pod => pod.Node)], PodPatience, default);
            await kubectl.RunAsync(default, "logs", pods[0].Pod);

            Tell("pods reach the outside, and each other as policies say");

            // A worker restarts, and its controller loses power under it: nothing serves its boot, which it waits out. It comes back as the
            // same node, Ready by itself; pods elsewhere run on meanwhile, and all that was declared still is.
            var restarted = pods[1].Node;
            var kernelBoot = await KernelBootAsync();
            await CtlAsync("machines", "reboot", restarted);
            await UntilAsync("the worker that restarts is not Ready", status => !status.ReadyNodes.Contains(restarted));
            machines[0].Dispose();
            machines[0] = await VirtualMachine.StartAsync(disk.Machine with { Name = "controller-again" }, network, folder, default);
            await UntilAsync("the controller answers again", _ => true);
            await UntilAsync("all is well again", status => status.ReadyNodes.Count == 3 && status.IsHealthy);
            Assert.NotEqual(kernelBoot, await KernelBootAsync());
            Assert.Contains("Ready", await CtlAsync("why", restarted), StringComparison.Ordinal);
            await SampleWorkload.AskAllAsync(kubectl, pods[0].Pod, [.. pods.Select(pod => pod.Node)], PodPatience, default);
            Assert.Equal("0", await kubectl.RunAsync(default, "get", "pod", pods[0].Pod, "-o", "jsonpath={.status.containerStatuses[0].restartCount}"));
            Assert.Contains("rack1-1", await CtlAsync("machines"), StringComparison.Ordinal);
            Tell("pods ran on meanwhile");

            Task<string> KernelBootAsync() => kubectl.RunAsync(default, "get", "node", restarted, "-o", "jsonpath={.status.nodeInfo.bootID}");
        }
        catch (Exception e) { throw new LabException($"{e.Message}\n{await DiagnoseAsync()}\n{string.Join("\n\n", machines.Select(machine => machine.Describe()))}\n{e.StackTrace}"); }
        finally { machines.ForEach(machine => machine.Dispose()); }

        void Tell(string what) => Console.WriteLine($"cluster: {clock.Elapsed:mm\\:ss} {what}");

        Task<string> CtlAsync(params string[] arguments) => network.RunAsync(build.Binary("operosctl"), [.. arguments, "--timeout", "10", "--config", disk.Admin], default);

        async Task<IReadOnlyList<(string Id, string Address)>> WorkersAsync()
        {
            using var json = JsonDocument.Parse(await CtlAsync("machines", "list", "--json"));
            return [.. json.RootElement.GetProperty("machines").EnumerateArray().Where(machine => machine.GetProperty("kind").GetString() == "worker").Select(machine => (machine.GetProperty("id").GetString()!, machine.GetProperty("address").GetString()!))];
        }

        // What an operator would ask next, in this order: the summary of a run shows a failure's first lines only.
        async Task<string> DiagnoseAsync()
        {
            var told = machines.Select(machine => $"{machine.Options.Name}: {machine.Console.Tail(4)}").ToList();
            try
            {
                foreach (var (id, address) in await WorkersAsync())
                {
                    told.Add(await TellAsync(_ => CtlAsync("why", id)));
                    told.Add(await TellAsync(limit => disk.SshAsync(network, address, "uptime; systemctl --failed --no-legend; journalctl --boot --priority warning --lines 12 --no-pager --output cat | cut -c1-200", limit)));
                }
            }
            catch (LabException e) { told.Add($"machines list: {e.Message}"); }
            return string.Join('\n', told);

            // A machine that hangs must not hang what tells of it.
            static async Task<string> TellAsync(Func<CancellationToken, Task<string>> ask)
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
                try { return (await ask(limit.Token)).Trim(); }
                catch (LabException e) { return e.Message; }
                catch (OperationCanceledException) { return "no answer within a minute"; }
            }
        }

        async Task UntilAsync(string what, Func<ClusterStatus, bool> holds)
        {
            for (var deadline = DateTime.UtcNow + Patience; ;)
            {
                string last;
                try
                {
                    var status = new ClusterStatus(await CtlAsync("status", "--json"));
                    if (holds(status))
                    {
                        Tell(what);
                        return;
                    }
                    last = status.ToString();
                }
                catch (LabException e) { last = e.Message; }
                if (DateTime.UtcNow > deadline) throw new LabException($"not in {Patience.TotalMinutes:0} minutes: {what}; last: {last}");
                // Each question costs the controller, which is emulated, a handshake.
                await Task.Delay(5000);
            }
        }
    }

    private static async Task ApplyAsync(Kubectl kubectl, LabFolder folder, string name, string manifest)
    {
        await File.WriteAllTextAsync(folder[name + ".yaml"], manifest);
        await kubectl.RunAsync(default, "apply", "-f", folder[name + ".yaml"]);
    }
}

using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Node.Cni;

namespace Operos.Node.Tests;

/// <summary>The plugin's words (CNI specification 1.0.0) against the real agent's side on a real socket.</summary>
public sealed class CniPluginTests : IAsyncDisposable
{
    private const string Result =
        """{"cniVersion":"1.0.0","interfaces":[{"name":"veth1","mac":"02:00:00:00:00:01"},{"name":"eth0","sandbox":"/run/netns/x"}]"""
        + ""","ips":[{"address":"10.10.1.5/24","gateway":"10.10.1.1","interface":1}],"dns":{}}""";
    private readonly TestFolder folder = new();
    private readonly CancellationTokenSource stop = new();
    private readonly List<Task> servers = [];

    [Fact]
    public async Task Add_waits_for_the_policy_and_hands_the_result_on()
    {
        var gate = new HeldGate();
        var pods = await ServeAsync(gate);
        var add = CallAsync("ADD", Result);
        var asked = await gate.Asked.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(("shop", "web-0", "u-1", "veth1"), (asked.Namespace, asked.Name, asked.Uid, asked.HostInterface));
        Assert.Equal(["10.10.1.5"], asked.Addresses);
        await Task.Delay(200);
        Assert.False(add.IsCompleted);
        gate.Open.SetResult();
        var (code, output) = await add;
        Assert.Equal(0, code);
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(Result).RootElement, output));
        Assert.Single(pods.All);

        Assert.Equal(0, (await CallAsync("CHECK", Result)).Code);
        Assert.Equal(11, Error(await CallAsync("CHECK", Result.Replace("10.10.1.5", "10.10.1.6", StringComparison.Ordinal))));
        Assert.Equal(0, (await CallAsync("DEL", Result)).Code);
        Assert.Empty(pods.All);
        Assert.Equal(1, gate.Released);
        // The runtime may say it twice, or without a result.
        Assert.Equal(0, (await CallAsync("DEL", null)).Code);
        Assert.Equal(11, Error(await CallAsync("CHECK", Result)));
    }

    [Fact]
    public async Task Without_an_agent_no_pod_starts_but_one_can_end()
    {
        Assert.Equal(11, Error(await CallAsync("ADD", Result)));
        Directory.CreateDirectory(folder.Paths.AttachedPods);
        new AttachedPods(folder.Paths.AttachedPods).Add(new AttachedPod
            { ContainerId = "c1", Namespace = "shop", Name = "web-0", Addresses = ["10.10.1.5"] });
        Assert.Equal(0, (await CallAsync("DEL", Result)).Code);
        Assert.Empty(new AttachedPods(folder.Paths.AttachedPods).All);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task An_end_is_told_however_much_is_gone_and_however_often(bool withAgent)
    {
        if (withAgent)
        {
            await ServeAsync(new OpenPodGate());
            Assert.Equal(0, (await CallAsync("ADD", Result)).Code);
            foreach (var file in Directory.EnumerateFiles(folder.Paths.AttachedPods, "*.json")) File.Delete(file);
        }
        Assert.Equal(withAgent, Directory.Exists(folder.Paths.AttachedPods));
        foreach (var result in (string?[])[Result, null, Result]) Assert.Equal(0, (await CallAsync("DEL", result)).Code);
    }

    [Fact]
    public void A_pod_is_forgotten_where_its_folder_is_gone()
    {
        var pods = new AttachedPods(folder.Paths.AttachedPods);
        pods.Add(new AttachedPod { ContainerId = "c1", Namespace = "shop", Name = "web-0", Addresses = ["10.10.1.5"] });
        Directory.Delete(folder.Paths.AttachedPods, recursive: true);
        pods.Remove("c1");
        pods.Remove("c1");
        Assert.Empty(pods.All);
    }

    [Fact]
    public async Task A_policy_that_does_not_come_in_force_is_a_failure_within_the_bound()
    {
        var pods = await ServeAsync(new HeldGate());
        var clock = Stopwatch.StartNew();
        var answer = await CallAsync("ADD", Result);
        Assert.Equal(11, Error(answer));
        Assert.Equal("the pod's policy is not in force yet", answer.Output.GetProperty("msg").GetString());
        Assert.InRange(clock.Elapsed.TotalSeconds, 5, 15);
        Assert.Empty(pods.All);
    }

    [Fact]
    public async Task A_refusal_is_said_and_the_pod_is_not_kept()
    {
        var pods = await ServeAsync(new RefusingGate());
        var answer = await CallAsync("ADD", Result);
        Assert.Equal(11, Error(answer));
        Assert.Equal("nft is broken", answer.Output.GetProperty("msg").GetString());
        Assert.Empty(pods.All);
    }

    [Fact]
    public async Task An_agent_that_starts_again_knows_its_pods()
    {
        var before = await ServeAsync(new OpenPodGate());
        Assert.Equal(0, (await CallAsync("ADD", Result)).Code);
        File.WriteAllText(Path.Combine(folder.Paths.AttachedPods, "torn.json"), "{");
        var after = new AttachedPods(folder.Paths.AttachedPods);
        Assert.Equal(JsonSerializer.Serialize(before.All), JsonSerializer.Serialize(after.All));
        // Its address given to another: the end of the first was never told.
        var gone = after.Add(new AttachedPod { ContainerId = "c2", Namespace = "shop", Name = "web-1", Addresses = ["10.10.1.5"] });
        Assert.Equal("web-0", Assert.Single(gone).Name);
        Assert.Equal("web-1", Assert.Single(new AttachedPods(folder.Paths.AttachedPods).All).Name);
    }

    [Theory]
    [InlineData("ADD", "{", "c1", 6)]
    [InlineData("ADD", "[]", "c1", 6)]
    [InlineData("ADD", """{"name":"operos"}""", "c1", 7)]
    [InlineData("ADD", """{"cniVersion":"0.1.0","socket":"/x"}""", "c1", 1)]
    [InlineData("ADD", """{"cniVersion":"1.0.0","socket":"/x"}""", "c1", 7)]
    [InlineData("ADD", """{"cniVersion":"1.0.0","prevResult":{}}""", "c1", 7)]
    [InlineData("ADD", """{"cniVersion":"1.0.0","socket":"/x","prevResult":{}}""", "", 4)]
    [InlineData("ADD", """{"cniVersion":"1.0.0","socket":"/x","prevResult":{"ips":7}}""", "c1", 11)]
    [InlineData("DEL", """{"cniVersion":"1.0.0","socket":"/x/y"}""", "../../etc/passwd", 6)]
    [InlineData("GROW", """{"cniVersion":"1.0.0","socket":"/x"}""", "c1", 4)]
    [InlineData(null, """{"cniVersion":"1.0.0","socket":"/x"}""", "c1", 4)]
    public async Task Whatever_is_wrong_has_its_code(string? command, string input, string container, int code)
    {
        using var output = new MemoryStream();
        var exit = await CniPlugin.RunAsync(name =>
            name switch { "CNI_COMMAND" => command, "CNI_CONTAINERID" => container, _ => null },
            new MemoryStream(Encoding.UTF8.GetBytes(input)), output, default);
        Assert.Equal(1, exit);
        Assert.Equal(code, JsonDocument.Parse(output.ToArray()).RootElement.GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task It_tells_its_versions()
    {
        var (code, output) = await CallAsync("VERSION", null, "0.4.0");
        Assert.Equal(0, code);
        Assert.Equal("0.4.0", output.GetProperty("cniVersion").GetString());
        Assert.Contains("1.0.0", output.GetProperty("supportedVersions").EnumerateArray().Select(version => version.GetString()));
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        foreach (var server in servers) await server.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
        folder.Dispose();
    }

    private async Task<AttachedPods> ServeAsync(IPodGate gate)
    {
        var pods = new AttachedPods(folder.Paths.AttachedPods);
        var listening = new TaskCompletionSource();
        servers.Add(new GateServer(folder.Paths, pods, gate, NullLogger<GateServer>.Instance)
            .RunAsync(() => listening.SetResult(), stop.Token));
        await listening.Task;
        return pods;
    }

    private static int Error((int Code, JsonElement Output) answer)
    {
        Assert.Equal(1, answer.Code);
        return answer.Output.GetProperty("code").GetInt32();
    }

    private async Task<(int Code, JsonElement Output)> CallAsync(string command, string? result, string version = "1.0.0")
    {
        var previous = result is null ? "" : $",\"prevResult\":{result}";
        var configuration =
            $$"""{"cniVersion":"{{version}}","name":"operos","type":"operos","socket":"{{folder.Paths.GateSocket}}"{{previous}}}""";
        using var output = new MemoryStream();
        var code = await CniPlugin.RunAsync(name => name switch
        {
            "CNI_COMMAND" => command,
            "CNI_CONTAINERID" => "c1",
            "CNI_ARGS" => "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=u-1",
            _ => null,
        }, new MemoryStream(Encoding.UTF8.GetBytes(configuration)), output, default);
        return (code, output.Length == 0 ? default : JsonDocument.Parse(output.ToArray()).RootElement);
    }

    /// <summary>A policy that takes its time.</summary>
    private sealed class HeldGate : IPodGate
    {
        public TaskCompletionSource<AttachedPod> Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public int Released { get; private set; }

        public Task AdmitAsync(AttachedPod pod, CancellationToken cancellationToken)
        {
            Asked.TrySetResult(pod);
            return Open.Task.WaitAsync(cancellationToken);
        }

        public Task ReleaseAsync(AttachedPod pod, CancellationToken cancellationToken)
        {
            Released++;
            return Task.CompletedTask;
        }
    }

    private sealed class RefusingGate : IPodGate
    {
        public Task AdmitAsync(AttachedPod pod, CancellationToken cancellationToken) => throw new NodeException("nft is broken");
        public Task ReleaseAsync(AttachedPod pod, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

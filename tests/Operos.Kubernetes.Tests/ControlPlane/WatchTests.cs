using System.Diagnostics;
using Operos.Kubernetes.Objects;
using Operos.Kubernetes.Watching;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>
/// What agents are told of the API's objects, when their line to it breaks and when the API server has forgotten where they were.
/// </summary>
[Collection(Cluster.Alone)]
public sealed class WatchTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    [Trait("stage", "patient")]
    public async Task A_watch_resumes_where_its_line_broke_and_lists_again_where_the_server_has_forgotten_that()
    {
        using var relay = new Relay(() => new NamespaceSockets(Cluster.Network.Name).Connect(NativeController.Address, 6443));
        using var client = new ApiClient(new ApiAccess
        {
            Server = new($"https://127.0.0.1:{relay.Port}"), AuthorityFile = Credential("ca.crt"),
            CertificateFile = Credential("agent.crt"), KeyFile = Credential("agent.key"),
        });
        await Cluster.KubectlAsync("create namespace watched");
        await CreateAsync("a");
        using var stop = new CancellationTokenSource();
        var cache = new WatchCache<ServiceObject, string>(
            client, Resources.Services, service => service.Metadata!.Name, options: new WatchOptions { Namespace = "watched" });
        var following = cache.RunAsync(stop.Token);
        await UntilAsync("a");
        await CreateAsync("b");
        await UntilAsync("a,b");

        // What happens while the line is broken is told as it happened: nothing is listed again.
        relay.Cut();
        await InterruptedAsync();
        Assert.Equal("a,b", Known());
        await CreateAsync("c");
        await Cluster.KubectlAsync("delete service a --namespace watched");
        relay.Mend();
        await UntilAsync("b,c");
        Assert.Equal(1, cache.Lists.Count);

        // Another API server process knows no versions from before it: 410, and a list says all, with what is gone missing in it.
        relay.Cut();
        await InterruptedAsync();
        await Cluster.KubectlAsync("delete service b --namespace watched");
        await Cluster.CrashAsync(Cluster.Controller, "kube-apiserver.service");
        await Cluster.HealthyAsync();
        await CreateAsync("d");
        relay.Mend();
        await UntilAsync("c,d");
        Assert.Equal(2, cache.Lists.Count);
        await CreateAsync("e");
        await UntilAsync("c,d,e");

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
        await Cluster.KubectlAsync("delete namespace watched --wait=false");

        string Credential(string name) => Cluster.Controller.PathOf($"{Cluster.Pki}/{name}");

        Task CreateAsync(string name) => Cluster.KubectlAsync($"create service clusterip {name} --tcp=80 --namespace watched");

        string Known() => string.Join(',', cache.Snapshot.Items.Order());

        Task InterruptedAsync() => HoldsAsync("it is told that the server is away", () => cache.Snapshot.Problem is not null);

        Task UntilAsync(string names) => HoldsAsync($"the services are {names}", () => cache.Snapshot.Problem is null && Known() == names);
    }

    private static async Task HoldsAsync(string what, Func<bool> holds)
    {
        for (var clock = Stopwatch.StartNew(); !holds(); await Task.Delay(20))
            Assert.True(clock.Elapsed < Patience, $"not within {Patience.TotalSeconds:0} s: {what}");
    }
}

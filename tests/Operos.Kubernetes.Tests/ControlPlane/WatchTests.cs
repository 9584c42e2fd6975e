using System.Threading.Channels;
using k8s.Models;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>What agents are told of the API's objects, when their line to it breaks and when the API server has forgotten where they were.</summary>
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
            Server = new($"https://127.0.0.1:{relay.Port}"), AuthorityFile = Credential("ca.crt"), CertificateFile = Credential("agent.crt"), KeyFile = Credential("agent.key"),
        });
        await Cluster.KubectlAsync("create namespace watched");
        await CreateAsync("a");
        using var stop = new CancellationTokenSource();
        var told = Channel.CreateUnbounded<string>();
        var following = FollowAsync(new Watch<V1Service>(client, Resources.Services, "watched"), told.Writer, stop.Token);
        Assert.Equal("Listed a", await NextAsync());
        await CreateAsync("b");
        Assert.Equal("Changed b", await NextAsync());

        // What happens while the line is broken is told as it happened: nothing is listed again.
        relay.Cut();
        Assert.Equal("Interrupted", await NextAsync());
        await CreateAsync("c");
        await Cluster.KubectlAsync("delete service a --namespace watched");
        relay.Mend();
        Assert.Equal("Changed c", await AfterInterruptionsAsync());
        Assert.Equal("Removed a", await NextAsync());

        // Another API server process knows no versions from before it: 410, and a list says all, with what is gone missing in it.
        relay.Cut();
        Assert.Equal("Interrupted", await NextAsync());
        await Cluster.KubectlAsync("delete service b --namespace watched");
        await Cluster.CrashAsync(Cluster.Controller, "kube-apiserver.service");
        await Cluster.HealthyAsync();
        await CreateAsync("d");
        relay.Mend();
        Assert.Equal("Listed c,d", await AfterInterruptionsAsync());
        await CreateAsync("e");
        Assert.Equal("Changed e", await NextAsync());

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
        await Cluster.KubectlAsync("delete namespace watched --wait=false");

        string Credential(string name) => Cluster.Controller.PathOf($"{Cluster.Pki}/{name}");

        Task CreateAsync(string name) => Cluster.KubectlAsync($"create service clusterip {name} --tcp=80 --namespace watched");

        async Task<string> NextAsync() => await told.Reader.ReadAsync(stop.Token).AsTask().WaitAsync(Patience);

        async Task<string> AfterInterruptionsAsync()
        {
            while (true)
            {
                if (await NextAsync() is var next and not "Interrupted") return next;
            }
        }
    }

    private static async Task FollowAsync(Watch<V1Service> watch, ChannelWriter<string> told, CancellationToken cancellationToken)
    {
        await foreach (var change in watch.FollowAsync(cancellationToken))
            told.TryWrite($"{change.Kind} {string.Join(',', change.Objects.Select(service => service.Metadata.Name).Order())}".TrimEnd());
    }
}

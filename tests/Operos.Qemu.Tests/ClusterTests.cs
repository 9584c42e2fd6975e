using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// A whole cluster from power-on: a controller from its disk, two workers from the network. Nothing is configured on a worker. It is booted
/// once; each scenario starts from a copy of it.
/// </summary>
[Collection(Guests.Clusters)]
public sealed class ClusterTests(ClusterStates states)
{
    public static IEnumerable<TheoryDataRow<string>> Scenarios =>
        ClusterScenario.All.Select(scenario => new TheoryDataRow<string>(scenario.Name) { Skip = Reason(scenario) });

    /// <summary>What a worker is told reaches it: the key lets its operator in, and its name is its UUID.</summary>
    [Fact]
    public async Task Two_workers_join_by_themselves_and_are_Ready()
    {
        var boot = await states.BootAsync();
        Assert.Equal(2, boot.Hostnames.Count);
        Assert.All(boot.Hostnames, worker => Assert.Equal(worker.Id, worker.Hostname));
        Assert.Equal("running", boot.ControllerSystem);
    }

    [Theory, MemberData(nameof(Scenarios))]
    public async Task From_a_copy_of_the_cluster(string name)
    {
        var scenario = ClusterScenario.All.Single(scenario => scenario.Name == name);
        await using var cluster = await states.StartAsync(scenario.From, scenario.Folder, scenario.Budget);
        await cluster.WatchAsync(() => scenario.Body(cluster));
        cluster.Tell("done");
    }

    private static string? Reason(ClusterScenario scenario) =>
        scenario.Kubernetes == new Build().HasKubernetes
            ? null : $"it is for layers {(scenario.Kubernetes ? "with" : "without")} Kubernetes";
}

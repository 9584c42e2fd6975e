using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>What is tried on a copy of a cluster.</summary>
/// <param name="Name">Names its test and, with hyphens, its folder.</param>
/// <param name="From">The state of the copy that it gets.</param>
/// <param name="Budget">For all of it, waking included.</param>
/// <param name="Kubernetes">Whether it is for layers with Kubernetes or for those without.</param>
internal sealed record ClusterScenario(string Name, ClusterState From, TimeSpan Budget, Func<Cluster, Task> Body, bool Kubernetes = true)
{
    public string Folder => Name.Replace(' ', '-').Replace(",", "", StringComparison.Ordinal);

    public static readonly IReadOnlyList<ClusterScenario> All =
    [
        new("pods reach the outside, and each other as policies say", ClusterState.WithWorkload, TimeSpan.FromMinutes(12),
            PodScenarios.PodsTalkAsPoliciesSayAsync),
        new("a worker loses the disk of its node while its controller loses power", ClusterState.WithWorkload, TimeSpan.FromMinutes(25),
            LostDiskScenario.WorkerLosesTheDiskOfItsNodeWhileItsControllerLosesPowerAsync),
        new("a controller without Kubernetes loses power", ClusterState.Ready, TimeSpan.FromMinutes(12),
            PowerScenarios.ControllerLosesPowerAsync, Kubernetes: false),
    ];
}

namespace Operos.Qemu.Tests;

/// <summary>
/// An emulated guest with one CPU takes one core, so as many classes run side by side as the host has cores. A rack of several takes a
/// small host whole and runs alone.
/// </summary>
[CollectionDefinition(Clusters, DisableParallelization = true)]
public sealed class Guests : ICollectionFixture<RunningCluster>
{
    public const string Clusters = "clusters";
}

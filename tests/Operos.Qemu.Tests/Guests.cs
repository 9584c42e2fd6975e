using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// An emulated guest with one CPU takes one core, so as many classes run side by side as the host has cores. A cluster takes a small host
/// whole and runs alone; it is booted once, and all its tests share what was saved of it.
/// </summary>
[CollectionDefinition(Clusters, DisableParallelization = true)]
public sealed class Guests : ICollectionFixture<ClusterStates>
{
    public const string Clusters = "clusters";
}

using Operos.Lab;

// It is booted once: all tests share what was saved of it.
[assembly: AssemblyFixture(typeof(ClusterStates))]

namespace Operos.Qemu.Tests;

/// <summary>
/// An emulated guest with one CPU takes one core, so as many classes run side by side as the host has cores. A whole cluster takes a small
/// host whole and runs alone.
/// </summary>
[CollectionDefinition(Clusters, DisableParallelization = true)]
public sealed class Guests
{
    public const string Clusters = "clusters";
}

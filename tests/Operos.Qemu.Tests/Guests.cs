namespace Operos.Qemu.Tests;

/// <summary>
/// What runs beside what: an emulated guest with one CPU takes one core, so that two collections share a small host. A cluster takes all of it
/// and runs alone.
/// </summary>
[CollectionDefinition(Clusters, DisableParallelization = true)]
public sealed class Guests
{
    public const string Boots = "boots", Faults = "faults", Clusters = "clusters";
}

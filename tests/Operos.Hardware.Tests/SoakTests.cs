using Operos.TestRun;

namespace Operos.Hardware.Tests;

/// <summary>Five hundred fleets of ten thousand machines, each always the same.</summary>
[Trait("stage", "soak")]
public sealed class SoakTests
{
    [Fact(Explicit = true)]
    public void Every_machine_of_every_fleet_of_the_list_is_new_once_and_itself_ever_after()
    {
        foreach (var seed in SoakPart.Current.Seeds(1)) FleetTests.EachIsNewOnceAndItselfEverAfter(Fleet.Make(FleetTests.Size, seed));
    }
}

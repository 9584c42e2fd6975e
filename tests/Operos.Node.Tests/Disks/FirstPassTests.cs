using Operos.Worker.Disks;

namespace Operos.Node.Tests.Disks;

/// <summary>How long a node waits for a disk after a boot.</summary>
public sealed class FirstPassTests
{
    private const string None = "", Card = "sda:100:1";
    private readonly StillClock clock = new();
    private readonly FirstPass first;

    public FirstPassTests()
    {
        first = new FirstPass(clock);
        first.Look(None);
    }

    [Fact]
    public void A_controller_card_that_comes_three_seconds_late_serves_the_node_that_waited()
    {
        After(1);
        Assert.False(IsOver(None, isWell: true));
        After(2);
        first.Look(Card);
        // It is there and no pass knew of it yet.
        Assert.False(IsOver(None));
        Assert.True(IsOver(Card, isWell: true, isOpen: false));
    }

    [Fact]
    public void A_machine_without_disks_waits_until_nothing_came_for_a_while()
    {
        After(1);
        Assert.False(IsOver(None, isWell: true));
        After(2.9);
        Assert.False(IsOver(None));
        After(0.1);
        Assert.True(IsOver(None));
    }

    [Fact]
    public void Disks_that_keep_coming_are_waited_for_each()
    {
        first.Passed(true);
        foreach (var disk in (string[])["a", "a b", "a b c"])
        {
            After(3.5);
            first.Look(disk);
            Assert.False(IsOver(disk));
        }
        After(4);
        Assert.True(IsOver("a b c"));
    }

    [Fact]
    public void A_pass_that_failed_is_not_the_end_before_it_failed_three_times()
    {
        After(60);
        Assert.False(IsOver(None, isWell: false));
        After(5);
        Assert.False(IsOver(None, isWell: false));
        After(5);
        Assert.True(IsOver(None, isWell: false));
    }

    [Fact]
    public void What_fails_of_another_disk_keeps_no_node_that_has_its_place() => Assert.True(IsOver(None, isWell: false, isOpen: false));

    [Fact]
    public void A_node_that_has_its_place_waits_for_nothing_else_of_the_pass()
    {
        first.Serve();
        Assert.True(first.Over.IsCompleted);
    }

    [Fact]
    public void Before_a_pass_nothing_is_over()
    {
        After(60);
        Assert.False(IsOver(None));
    }

    private void After(double seconds) => clock.Now += TimeSpan.FromSeconds(seconds);

    /// <summary>Goes on only when the test says so: a slow host's time is none of it.</summary>
    private sealed class StillClock : TimeProvider
    {
        public TimeSpan Now { get; set; }
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
        public override long GetTimestamp() => Now.Ticks;
    }

    private bool IsOver(string signature, bool? isWell = null, bool isOpen = true)
    {
        if (isWell is { } well) first.Passed(well);
        first.Decide(signature, isOpen);
        return first.Over.IsCompleted;
    }
}

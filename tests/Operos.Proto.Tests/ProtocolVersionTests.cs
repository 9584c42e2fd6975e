using CsCheck;
using Operos.Proto.Connection;

namespace Operos.Proto.Tests;

/// <summary>Which version two programs speak that know several.</summary>
public sealed class ProtocolVersionTests
{
    [Theory]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(1, 3, 2, 5, 3)]
    [InlineData(2, 5, 1, 3, 3)]
    [InlineData(1, 1, 1, 7, 1)]
    [InlineData(1, 2, 3, 4, null)]
    [InlineData(3, 4, 1, 2, null)]
    [InlineData(1, 1, 5, 2, null)]
    public void The_newest_that_both_speak_is_chosen(int oldest, int newest, int theirOldest, int theirNewest, int? chosen) =>
        Assert.Equal(chosen, new ProtocolVersions(oldest, newest).Common(new ProtocolVersions(theirOldest, theirNewest)));

    [Fact]
    public void Both_sides_choose_alike_and_what_each_speaks() =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[0, 5], Gen.Int[1, 9], Gen.Int[0, 5]).Sample((ours, more, theirs, even) =>
        {
            var (us, them) = (new ProtocolVersions(ours, ours + more), new ProtocolVersions(theirs, theirs + even));
            Assert.Equal(us.Common(them), them.Common(us));
            if (us.Common(them) is { } version) Assert.True(us.Include(version) && them.Include(version));
            Assert.Equal(us, ProtocolVersions.Of(Read(us.ToHello("a/1"))));
        });

    [Fact]
    public void A_greeting_of_one_version_is_that_of_programs_that_know_no_range()
    {
        var plain = new Hello { ProtocolVersion = 1, Agent = "a/1" };
        Assert.Equal(Frame.Write(7, reply: false, plain), Frame.Write(7, reply: false, new ProtocolVersions(1, 1).ToHello("a/1")));
        Assert.Equal(new ProtocolVersions(1, 1), ProtocolVersions.Of(Read(plain)));
    }

    private static Hello Read(Hello hello) =>
        Assert.IsType<Hello>(Frame.ReadMessage(Frame.Write(1, reply: false, hello).AsMemory(Frame.HeaderSize), default));
}

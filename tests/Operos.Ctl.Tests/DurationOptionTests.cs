using System.CommandLine;
using Operos.Ctl.Commands;

namespace Operos.Ctl.Tests;

/// <summary>Times on operosctl's command line.</summary>
public sealed class DurationOptionTests
{
    private static readonly Option<TimeSpan> Life = DurationOption.Create("--life", "How long", TimeSpan.FromHours(8));

    [Theory]
    [InlineData("90m", 90)]
    [InlineData("8h", 480)]
    [InlineData("7d", 10_080)]
    [InlineData("600", 10)]
    public void A_time_is_a_number_and_a_unit_or_of_seconds(string text, int minutes) =>
        Assert.Equal(TimeSpan.FromMinutes(minutes), new RootCommand { Life }.Parse(["--life", text]).GetValue(Life));

    [Fact]
    public void One_that_is_not_given_is_the_usual() =>
        Assert.Equal(TimeSpan.FromHours(8), new RootCommand { Life }.Parse([]).GetValue(Life));

    [Fact]
    public void What_is_no_time_is_told_with_how_it_is_written()
    {
        var error = Assert.Single(new RootCommand { Life }.Parse(["--life", "1\u001b[2Jh"]).Errors);
        Assert.Equal("--life: '1 [2Jh' is no time: a number and s, m, h or d, such as 30s, 90m, 8h or 7d", error.Message);
    }

    /// <summary>The year 713 before our era is no time since which anything was asked for, and no calendar has it.</summary>
    [Fact]
    public void What_lies_before_every_calendar_is_no_time() => Assert.Single(AuditCommand.Create().Parse(["--since", "999999d"]).Errors);
}

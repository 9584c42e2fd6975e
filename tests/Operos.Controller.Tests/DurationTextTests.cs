using System.Text.RegularExpressions;
using CsCheck;
using Operos.Controller.Configuration;
using Operos.Linux;

namespace Operos.Controller.Tests;

/// <summary>Times as people write them, in the configuration and on a command line.</summary>
public sealed partial class DurationTextTests
{
    private static readonly long Longest = (long)DurationText.Longest.TotalSeconds;

    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.String, Gen.String[Gen.Char["0123456789smhdSMHD -+.,e\0\n\u0663"], 0, 14]);

    [Fact]
    public void What_is_written_reads_back_as_the_same() =>
        Gen.OneOf(Gen.Long[1, Longest].Select(number => TimeSpan.FromSeconds(number)),
            Gen.Long[1, 99_999].Select(number => TimeSpan.FromMinutes(number)),
            Gen.Int[1, 36_500].Select(number => TimeSpan.FromDays(number)))
            .Sample(time => DurationText.TryParse(DurationText.Write(time), out var read) && read == time);

    [Fact]
    public void What_is_read_is_a_number_and_a_unit_and_within_bounds() =>
        Texts.Sample(text => !DurationText.TryParse(text, out var read)
            ? read == default
            : NumberAndUnit().IsMatch(text) && read >= DurationText.Shortest && read <= DurationText.Longest
                && DurationText.TryParse(DurationText.Write(read), out var again) && again == read);

    [Theory]
    [InlineData("1s", 1, "1s")]
    [InlineData("90s", 90, "90s")]
    [InlineData("60s", 60, "1m")]
    [InlineData("90m", 5_400, "90m")]
    [InlineData("008h", 28_800, "8h")]
    [InlineData("48h", 172_800, "2d")]
    [InlineData("36500d", 3_153_600_000, "36500d")]
    public void A_time_is_written_in_the_largest_unit_that_fits(string text, long seconds, string written)
    {
        Assert.True(DurationText.TryParse(text, out var read));
        Assert.Equal(TimeSpan.FromSeconds(seconds), read);
        Assert.Equal(written, DurationText.Write(read));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("m")]
    [InlineData("5")]
    [InlineData("0s")]
    [InlineData("-1h")]
    [InlineData("+1h")]
    [InlineData("1.5h")]
    [InlineData("1 h")]
    [InlineData("1H")]
    [InlineData("1w")]
    [InlineData("1h\n")]
    [InlineData("12\0m")]
    [InlineData("\u0663m")]
    [InlineData("36501d")]
    [InlineData("9999999999d")]
    [InlineData("99999999999999999999s")]
    public void Anything_else_is_none(string? text) => Assert.False(DurationText.TryParse(text, out _));

    [Theory]
    [InlineData("limits", "silence", "2h", "a time from 1s to 1h is expected: a number and s, m, h or d, such as 30s, 90m, 8h or 7d")]
    [InlineData("limits", "silence", "0s", "a time from 1s to 1h is expected")]
    [InlineData("dhcp", "lease", "soon", "a time from 2m to 30d is expected")]
    [InlineData("pki", "worker-certificate", "401d", "a time from 1m to 400d is expected")]
    public void The_configuration_says_which_times_it_takes(string table, string key, string text, string expected)
    {
        var tables = table == "dhcp" ? "[dhcp]\nmode = \"off\"\n" : $"[dhcp]\nmode = \"off\"\n[{table}]\n";
        var error = Assert.Single(Assert.Throws<ConfigurationException>(() => SettingsReader.Read("c",
            $"[network]\naddress = \"10.77.0.1/24\"\n{tables}{key} = \"{text}\"\n")).Errors);
        Assert.Contains($"{table}.{key}: {expected}", error, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\A[0-9]+[smhd]\z")]
    private static partial Regex NumberAndUnit();
}

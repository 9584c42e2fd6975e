using System.CommandLine;
using Operos.Linux;

namespace Operos.Ctl;

/// <summary>An option whose value is a time as people write it: 30m, 8h, 7d; a number alone is of seconds.</summary>
internal static class DurationOption
{
    private const int MostDigits = 10;

    /// <param name="longest">The longest that is taken; null for what a time may be.</param>
    /// <param name="everywhere">Whether each subcommand takes it, too.</param>
    public static Option<TimeSpan> Create(string name, string description, TimeSpan otherwise, TimeSpan? longest = null,
        bool everywhere = false) => new(name)
    {
        Description = description, Recursive = everywhere, HelpName = "time", DefaultValueFactory = _ => otherwise,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (TryParse(text, out var duration) && duration <= (longest ?? DurationText.Longest)) return duration;
            var bounds = longest is { } most ? $"; from {DurationText.Write(DurationText.Shortest)} to {DurationText.Write(most)}" : "";
            result.AddError($"{name}: '{PrintableText.Line(text)}' is no time: {DurationText.Words}{bounds}");
            return otherwise;
        },
    };

    private static bool TryParse(string text, out TimeSpan duration) =>
        DurationText.TryParse(text.Length is > 0 and <= MostDigits && text.All(char.IsAsciiDigit) ? $"{text}s" : text, out duration);
}

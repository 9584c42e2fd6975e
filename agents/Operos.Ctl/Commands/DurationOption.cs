using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Operos.Ctl.Commands;

/// <summary>A time as people write it: 30m, 8h, 7d.</summary>
internal static class DurationOption
{
    public static Option<TimeSpan> Create(string name, string description, TimeSpan otherwise) =>
        new(name) { Description = description, DefaultValueFactory = _ => otherwise, CustomParser = Parse };

    private static TimeSpan Parse(ArgumentResult result)
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (text.Length >= 2 && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0
            and < 1_000_000)
        {
            switch (text[^1])
            {
                case 's': return TimeSpan.FromSeconds(number);
                case 'm': return TimeSpan.FromMinutes(number);
                case 'h': return TimeSpan.FromHours(number);
                case 'd': return TimeSpan.FromDays(number);
            }
        }
        result.AddError($"'{text}' is no time such as 30m, 8h or 7d");
        return default;
    }
}

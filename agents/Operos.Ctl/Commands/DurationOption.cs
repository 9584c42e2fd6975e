using System.CommandLine;
using System.CommandLine.Parsing;
using Operos.Linux;

namespace Operos.Ctl.Commands;

/// <summary>An option whose value is a time as people write it: 30m, 8h, 7d.</summary>
internal static class DurationOption
{
    public static Option<TimeSpan> Create(string name, string description, TimeSpan otherwise) =>
        new(name) { Description = description, DefaultValueFactory = _ => otherwise, CustomParser = Parse };

    private static TimeSpan Parse(ArgumentResult result)
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (DurationText.TryParse(text, out var duration)) return duration;
        result.AddError($"'{PrintableText.Line(text)}' is no time: {DurationText.Words}");
        return default;
    }
}

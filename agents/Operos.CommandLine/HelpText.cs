using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text;
using Operos.Linux;

namespace Operos.CommandLine;

/// <summary>What <c>--help</c> prints: what a command does and all that it takes, as it is typed.</summary>
public sealed class HelpText : SynchronousCommandLineAction
{
    private const int UsualWidth = 120, WidestLabel = 40, Indent = 2, Gap = 2;

    /// <summary>Whoever asks for help need not have said all that the command takes.</summary>
    public override bool ClearsParseErrors => true;

    /// <summary>Has a program's help be given by this.</summary>
    public static void Attach(RootCommand root)
    {
        foreach (var help in root.Options.OfType<HelpOption>()) help.Action = new HelpText();
    }

    public override int Invoke(ParseResult parseResult)
    {
        var width = Console.IsOutputRedirected || Console.WindowWidth <= 0 ? UsualWidth : Console.WindowWidth;
        parseResult.InvocationConfiguration.Output.Write(Render(parseResult.CommandResult, width));
        return 0;
    }

    /// <param name="width">Columns.</param>
    public static string Render(CommandResult result, int width)
    {
        var (text, command) = (new StringBuilder(), result.Command);
        text.Append("Description:\n");
        foreach (var line in Wrap(command.Description ?? "", width - Indent)) text.Append(' ', Indent).Append(line).Append('\n');
        IReadOnlyList<Argument> arguments = [.. command.Arguments.Where(argument => !argument.Hidden)];
        IReadOnlyList<Command> below = [.. command.Subcommands.Where(next => !next.Hidden)];
        var words = arguments.Select(CommandNames.Label).Prepend(CommandNames.Path(result));
        if (below.Count > 0) words = words.Append(command.Action is null ? "<command>" : "[<command>]");
        text.Append("\nUsage:\n").Append(' ', Indent).AppendJoin(' ', words.Append("[options]")).Append('\n');
        Section(text, "Arguments", [.. arguments.Select(argument => (CommandNames.Label(argument), argument.Description ?? ""))], width);
        Section(text, "Options", [.. CommandNames.Options(result).Select(option => (CommandNames.Label(option), Describe(option)))], width);
        Section(text, "Commands", [.. below.Select(next => (CommandNames.Label(next), next.Description ?? ""))], width);
        return text.ToString();
    }

    private static string Describe(Option option)
    {
        var text = option.Description ?? "";
        if (option.Required) return $"{text} (required)";
        return Usual(option) is { } usual ? $"{text} [default: {usual}]" : text;
    }

    /// <summary>What an option is that is not given, as it is typed; null where that is nothing.</summary>
    private static string? Usual(Option option) =>
        !option.HasDefaultValue || option is HelpOption or VersionOption ? null : option.GetDefaultValue() switch
        {
            TimeSpan span => span > TimeSpan.Zero ? DurationText.Write(span) : null,
            string[] words => words.Length == 0 ? null : string.Join(',', words),
            bool or null => null,
            var value => value.ToString(),
        };

    private static void Section(StringBuilder text, string head, IReadOnlyList<(string Label, string Words)> rows, int width)
    {
        if (rows.Count == 0) return;
        text.Append(null, $"\n{head}:\n");
        var column = Math.Min(rows.Max(row => row.Label.Length), WidestLabel);
        foreach (var (label, words) in rows)
        {
            text.Append(' ', Indent).Append(label.PadRight(column));
            var at = Indent + Math.Max(label.Length, column);
            foreach (var line in Wrap(words, width - Indent - column - Gap))
            {
                if (at > Indent + column) (at, _) = (0, text.Append('\n'));
                text.Append(' ', Indent + column + Gap - at).Append(line);
                at = int.MaxValue;
            }
            text.Append('\n');
        }
    }

    /// <summary>Lines of whole words.</summary>
    private static IEnumerable<string> Wrap(string text, int width)
    {
        var line = new StringBuilder();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > Math.Max(width, 20))
            {
                yield return line.ToString();
                line.Clear();
            }
            if (line.Length > 0) line.Append(' ');
            line.Append(word);
        }
        if (line.Length > 0) yield return line.ToString();
    }
}

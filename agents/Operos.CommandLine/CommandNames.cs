using System.CommandLine;
using System.CommandLine.Parsing;

namespace Operos.CommandLine;

/// <summary>Commands and options as people type them.</summary>
internal static class CommandNames
{
    /// <summary>The words that lead to a command, the program's name first.</summary>
    public static string Path(CommandResult result) => string.Join(' ', Enumerable.Reverse(Up(result)).Select(above => above.Command.Name));

    /// <summary>The commands below one that are for people.</summary>
    public static IReadOnlyList<string> Shown(Command command) =>
        [.. command.Subcommands.Where(below => !below.Hidden).Select(below => below.Name)];

    /// <summary>The options that count for a command: its own, then those of the ones above it that are for all below.</summary>
    public static IEnumerable<Option> Options(CommandResult result) => Up(result).SelectMany((above, height) =>
        above.Command.Options.Where(option => !option.Hidden && (height == 0 || option.Recursive)));

    /// <returns>A command of that name in another family, as it is typed; null where there is none.</returns>
    public static string? Elsewhere(CommandResult result, string name)
    {
        foreach (var family in Up(result).Last().Command.Subcommands)
            if (family.Name == name) return name;
            else if (Shown(family).Contains(name)) return $"{family.Name} {name}";
        return null;
    }

    /// <summary>A command's words in a list of commands: its name and what it takes, optional words in brackets.</summary>
    public static string Label(Command command) =>
        string.Join(' ', command.Arguments.Where(argument => !argument.Hidden).Select(Label).Prepend(command.Name));

    public static string Label(Argument argument)
    {
        var word = $"<{argument.HelpName ?? argument.Name}>" + (argument.Arity.MaximumNumberOfValues > 1 ? "..." : "");
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{word}]" : word;
    }

    public static string Label(Option option)
    {
        var names = string.Join(", ", option.Aliases.Append(option.Name).Where(name => name.StartsWith('-')).Distinct()
            .OrderBy(name => name.Length).ThenBy(name => name, StringComparer.Ordinal));
        if (option.Arity.MaximumNumberOfValues == 0 || option.ValueType == typeof(bool)) return names;
        var words = (option as ChoiceOption)?.Choices ?? [];
        return $"{names} <{option.HelpName ?? (words.Count is > 0 and <= 4 ? string.Join('|', words) : option.Name.TrimStart('-'))}>";
    }

    private static IEnumerable<CommandResult> Up(CommandResult result)
    {
        for (SymbolResult? at = result; at is not null; at = at.Parent)
            if (at is CommandResult command) yield return command;
    }
}

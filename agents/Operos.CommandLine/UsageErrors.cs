using System.CommandLine;
using System.CommandLine.Parsing;
using Operos.Linux;

namespace Operos.CommandLine;

/// <summary>What keeps a command line from being run, in our words.</summary>
public static class UsageErrors
{
    public const int ExitCode = 2;

    private const int LongestLine = 512;

    /// <summary>
    /// Tells what is wrong, a line each, and whose help says more. To be asked before help is given, too: the help of another command would
    /// look as if the one that was meant existed.
    /// </summary>
    /// <returns>Whether anything is wrong.</returns>
    public static bool Tell(ParseResult parsed, TextWriter to)
    {
        var errors = Find(parsed);
        if (errors.Count == 0) return false;
        foreach (var error in errors) to.WriteLine($"{parsed.RootCommandResult.Command.Name}: {PrintableText.Line(error, LongestLine)}");
        to.WriteLine($"  see {CommandNames.Path(parsed.CommandResult)} --help");
        return true;
    }

    /// <summary>Each thing that is wrong; of words that nobody knows the first alone, as the others may follow from it.</summary>
    public static IReadOnlyList<string> Find(ParseResult parsed)
    {
        var result = parsed.CommandResult;
        if (parsed.UnmatchedTokens is [var unknown, ..]) return [Unknown(result, unknown)];
        if (parsed.Errors.Count == 0) return [];
        var path = CommandNames.Path(result);
        if (result.Command.Action is null && CommandNames.Shown(result.Command) is { Count: > 0 } commands)
            return [$"{path} needs a command: {string.Join(", ", commands)}"];
        var missing = Missing(result).ToList();
        var said = parsed.Errors.Where(error => missing.Count == 0 || HasTokens(error.SymbolResult)).Select(Words).Distinct();
        return missing.Count == 0 ? [.. said] : [$"{path} needs {Needs(missing)}", .. said];
    }

    private static string Unknown(CommandResult result, string word)
    {
        var path = CommandNames.Path(result);
        if (word.StartsWith('-'))
        {
            var name = word.Split('=', ':')[0];
            var options = CommandNames.Options(result).Select(option => option.Name);
            return $"{path} has no option '{name}'" + (WordDistance.Nearest(name, options) is { } meant ? $"; did you mean {meant}?" : "");
        }
        var commands = CommandNames.Shown(result.Command);
        if (commands.Count == 0) return $"'{word}' is one word too many for {path}";
        var below = path.IndexOf(' ', StringComparison.Ordinal) is var at and >= 0 ? path[(at + 1)..] + " " : "";
        var near = WordDistance.Nearest(word, commands) is { } like ? below + like : CommandNames.Elsewhere(result, word);
        return $"there is no command '{below}{word}'"
            + (near is null ? $"; {path} has {string.Join(", ", commands)}" : $"; did you mean {near}?");
    }

    /// <summary>What the command cannot be without and was not given.</summary>
    private static IEnumerable<Symbol> Missing(CommandResult result) =>
        result.Command.Arguments
            .Where(argument => argument.Arity.MinimumNumberOfValues > (result.GetResult(argument)?.Tokens.Count ?? 0))
            .Concat<Symbol>(result.Command.Options.Where(option =>
                option.Required && (result.GetResult(option) is null or { Implicit: true })));

    private static string Needs(List<Symbol> missing)
    {
        var names = missing.ConvertAll(symbol => symbol is Argument ? $"<{symbol.Name}>" : symbol.Name);
        return names is [var one] ? $"{one}: {missing[0].Description}" : string.Join(", ", names[..^1]) + $" and {names[^1]}";
    }

    private static bool HasTokens(SymbolResult? of) => of is OptionResult { Tokens.Count: > 0 } or ArgumentResult { Tokens.Count: > 0 };

    private static string Words(ParseError error)
    {
        var option = error.SymbolResult as OptionResult ?? error.SymbolResult?.Parent as OptionResult;
        if (option is null) return error.Message;
        if (option.Tokens.Count == 0 && option.Option.Arity.MinimumNumberOfValues > 0)
            return $"{option.Option.Name} needs a value: {option.Option.Description}";
        return option.Tokens.Count > 1 && option.Option.Arity.MaximumNumberOfValues == 1
            ? $"{option.Option.Name} is given more than once" : error.Message;
    }
}

using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Operos.Controller.Configuration;

/// <summary>A TOML file as values by <c>table.key</c>, each with its line; what it means is <see cref="SettingsReader"/>'s.</summary>
internal sealed class ConfigurationFile
{
    private const int MaxBytes = 256 * 1024;
    private readonly Dictionary<string, (object Value, int Line)> values = new(StringComparer.Ordinal);
    private readonly List<(int Line, string Text)> errors = [], doubts = [];

    public ConfigurationFile(string path, string text)
    {
        Path = path;
        if (text.Length > MaxBytes)
        {
            errors.Add((0, $"{path}: larger than {MaxBytes} bytes"));
            return;
        }
        var document = SyntaxParser.Parse(text, path);
        var unread = document.Diagnostics.Where(diagnostic => !TomlWords.IsOfTwice(diagnostic.Message));
        if (unread.MinBy(diagnostic => diagnostic.Span.Start.Offset) is { } first)
        {
            // What follows may follow from it.
            var line = first.Span.Start.Line + 1;
            errors.Add((line, $"{path}:{line}: this is no TOML: {TomlWords.Of(first.Message)}"));
            return;
        }
        IsToml = true;
        foreach (var pair in document.KeyValues) Add("", pair);
        foreach (var table in document.Tables)
        {
            var name = table.Name?.ToString().Trim() ?? "";
            if (table is TableArraySyntax) Fail(table.Span.Start.Line + 1, $"[[{name}]]: there may be only one, in single brackets");
            foreach (var pair in table.Items) Add(name + ".", pair);
        }
        foreach (var twice in document.Diagnostics)
            if (twice.Span.Start.Line + 1 is var line && errors.TrueForAll(error => error.Line != line))
                Fail(line, $"{TomlWords.NameOf(twice.Message)}: given twice");
    }

    public string Path { get; }

    /// <summary>Whether it could be read at all: of the settings of one that could not nothing is known.</summary>
    public bool IsToml { get; }

    public IReadOnlyList<string> Errors => InOrder(errors);

    /// <summary>What check-config refuses, and what a rack that ran with it until now goes on with.</summary>
    public IReadOnlyList<string> Doubts => InOrder(doubts);

    /// <summary>Both, as check-config tells them.</summary>
    public IReadOnlyList<string> ErrorsAndDoubts => InOrder(errors.Concat(doubts));

    public IEnumerable<string> Keys => values.Keys;

    public bool TryGet(string key, out object? value, out int line)
    {
        var found = values.TryGetValue(key, out var entry);
        (value, line) = (entry.Value, entry.Line);
        return found;
    }

    public void Fail(string key, string problem) => Say(errors, key, problem);

    public void Doubt(string key, string problem) => Say(doubts, key, problem);

    /// <summary>Whether something of a value is doubted: what is compared with it may be right.</summary>
    public bool IsDoubted(string key) =>
        values.TryGetValue(key, out var entry) && doubts.Exists(doubt => doubt.Text.StartsWith($"{Path}:{entry.Line}: {key}: ",
            StringComparison.Ordinal));

    private void Fail(int line, string problem) => errors.Add((line, $"{Path}:{line}: {problem}"));

    /// <summary>What is said already is not said again.</summary>
    private void Say(List<(int Line, string Text)> to, string key, string problem)
    {
        var line = values.TryGetValue(key, out var entry) ? entry.Line : 0;
        var error = (line, $"{Path}{(line == 0 ? "" : $":{line}")}: {key}: {problem}");
        if (!to.Contains(error)) to.Add(error);
    }

    /// <summary>As the lines come; what is missing, and so has none, last.</summary>
    private static IReadOnlyList<string> InOrder(IEnumerable<(int Line, string Text)> problems) =>
        [.. problems.OrderBy(problem => problem.Line == 0 ? int.MaxValue : problem.Line).Select(problem => problem.Text)];

    private void Add(string prefix, KeyValueSyntax pair)
    {
        var key = prefix + (pair.Key?.ToString().Trim() ?? "");
        var line = pair.Span.Start.Line + 1;
        object? value = pair.Value switch
        {
            StringValueSyntax text => text.Value,
            IntegerValueSyntax number => number.Value,
            BooleanValueSyntax boolean => boolean.Value,
            ArraySyntax array =>
                array.Items.Select(item => (item.Value as StringValueSyntax)?.Value).ToList() is var texts && !texts.Contains(null)
                ? texts.ConvertAll(text => text!) : null,
            _ => null,
        };
        if (value is null) Fail(line, $"{key}: a text, a whole number, true, false or a list of texts is expected");
        else if (!values.TryAdd(key, (value, line))) Fail(line, $"{key}: given twice");
    }
}

using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Operos.Controller.Configuration;

/// <summary>A TOML file as values by <c>table.key</c>, each with its line; what it means is <see cref="SettingsReader"/>'s.</summary>
internal sealed class ConfigurationFile
{
    private const int MaxBytes = 256 * 1024;
    private readonly Dictionary<string, (object Value, int Line)> values = new(StringComparer.Ordinal);

    public ConfigurationFile(string path, string text)
    {
        Path = path;
        if (text.Length > MaxBytes)
        {
            Errors.Add($"{path}: larger than {MaxBytes} bytes");
            return;
        }
        var document = SyntaxParser.Parse(text, path);
        foreach (var diagnostic in document.Diagnostics) Errors.Add($"{path}:{diagnostic.Span.Start.Line + 1}: {diagnostic.Message}");
        foreach (var pair in document.KeyValues) Add("", pair);
        foreach (var table in document.Tables)
        {
            var name = table.Name?.ToString().Trim() ?? "";
            if (table is TableArraySyntax)
                Errors.Add($"{path}:{table.Span.Start.Line + 1}: [[{name}]]: there may be only one, in single brackets");
            foreach (var pair in table.Items) Add(name + ".", pair);
        }
    }

    public string Path { get; }
    public List<string> Errors { get; } = [];

    /// <summary>What check-config refuses, and what a rack that ran with it until now goes on with.</summary>
    public List<string> Doubts { get; } = [];

    public IEnumerable<string> Keys => values.Keys;

    public bool TryGet(string key, out object? value, out int line)
    {
        var found = values.TryGetValue(key, out var entry);
        (value, line) = (entry.Value, entry.Line);
        return found;
    }

    public void Fail(string key, string problem) => Say(Errors, key, problem);

    public void Doubt(string key, string problem) => Say(Doubts, key, problem);

    /// <summary>What is said already is not said again.</summary>
    private void Say(List<string> to, string key, string problem)
    {
        var line = values.TryGetValue(key, out var entry) ? $":{entry.Line}" : "";
        var error = $"{Path}{line}: {key}: {problem}";
        if (!to.Contains(error)) to.Add(error);
    }

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
        if (value is null) Errors.Add($"{Path}:{line}: {key}: a text, a whole number, true, false or a list of texts is expected");
        else if (!values.TryAdd(key, (value, line))) Errors.Add($"{Path}:{line}: {key}: given twice");
    }
}

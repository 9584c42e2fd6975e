namespace Operos.Init.Settings;

/// <summary>The kernel's command line: words, <c>key=value</c> or bare, double quotes around spaces (kernel-parameters.rst).</summary>
internal sealed class KernelCommandLine
{
    private const int MaxLength = 4096;
    private readonly Dictionary<string, string> values = new(StringComparer.Ordinal);

    public KernelCommandLine(string line)
    {
        foreach (var word in Words(line.Length > MaxLength ? line[..MaxLength] : line))
        {
            var equals = word.IndexOf('=', StringComparison.Ordinal);
            // As the kernel does: the last one of a name counts.
            if (equals < 0) values[word] = "";
            else values[word[..equals]] = word[(equals + 1)..];
        }
    }

    public bool Has(string key) => values.ContainsKey(key);

    public string? Get(string key) => values.TryGetValue(key, out var value) && value.Length > 0 ? value : null;

    private static IEnumerable<string> Words(string line)
    {
        var word = new System.Text.StringBuilder();
        var quoted = false;
        foreach (var c in line)
        {
            if (c == '"') quoted = !quoted;
            else if (char.IsWhiteSpace(c) && !quoted)
            {
                if (word.Length > 0) yield return word.ToString();
                word.Clear();
            }
            else word.Append(c);
        }
        if (word.Length > 0) yield return word.ToString();
    }
}

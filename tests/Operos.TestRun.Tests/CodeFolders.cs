using System.Text.RegularExpressions;

namespace Operos.TestRun.Tests;

/// <summary>
/// How the folders of a project refer to each other. Namespaces follow folders, so a file refers to another folder where it has a using of
/// it or names
/// one of its types by that folder. What stands beside the project file puts the folders together and is seen by all of them: it counts as
/// none.
/// </summary>
internal sealed partial class CodeFolders
{
    private readonly string root, project;
    private readonly List<(string Path, string Folder, string Code)> files = [];
    private readonly Dictionary<string, HashSet<string>> types = new(StringComparer.Ordinal);

    private CodeFolders(string root)
    {
        (this.root, project) = (root, Path.GetFileName(root));
        foreach (var path in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var relative = Path.GetRelativePath(root, path);
            if (relative.Split('/')[0] is "bin" or "obj") continue;
            var (folder, code) = ((Path.GetDirectoryName(relative) ?? "").Replace('/', '.'), Comment().Replace(File.ReadAllText(path), ""));
            files.Add((relative, folder, code));
            if (!types.TryGetValue(folder, out var names)) types[folder] = names = new(StringComparer.Ordinal);
            names.UnionWith(Declaration().Matches(code).Select(match => match.Groups[1].Value));
        }
    }

    /// <param name="root">The project's folder, which is named as its first namespace.</param>
    public static CodeFolders Read(string root) => new(root);

    public int Count => types.Count;

    /// <summary>Files whose namespace is not their folder.</summary>
    public IEnumerable<string> Misplaced => files
        .Select(file => (file.Path, Wanted: NamespaceOf(file.Folder), Match: Namespace().Match(file.Code)))
        .Where(file => file.Match.Success && file.Match.Groups[1].Value != file.Wanted)
        .Select(file => $"{project}/{file.Path} is in {file.Match.Groups[1].Value}, not {file.Wanted}");

    /// <summary>Circles, each told by a file for each of its steps; none where all references go one way.</summary>
    public IReadOnlyList<string> Circles()
    {
        var steps = files.Where(file => file.Folder.Length > 0)
            .SelectMany(file => Named(file.Folder, file.Code).Select(to => (file.Path, From: file.Folder, To: to)))
            .GroupBy(step => (step.From, step.To)).ToDictionary(group => group.Key, group => group.First().Path);
        var circles = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var start in types.Keys)
            if (Shortest(start, steps.Keys) is { } way)
            {
                var told = way.Zip(way.Skip(1).Append(start)).Select(step => $"{project}/{steps[step]} refers to {step.Second}");
                circles.TryAdd(string.Join(' ', way.Order(StringComparer.Ordinal)), string.Join(", ", told));
            }
        return [.. circles.Values];
    }

    /// <summary>The folders of a way from a folder back to itself; null where there is none.</summary>
    private static List<string>? Shortest(string start, IEnumerable<(string From, string To)> steps)
    {
        var next = steps.ToLookup(step => step.From, step => step.To);
        var ways = new Queue<List<string>>([[start]]);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (ways.TryDequeue(out var way))
            foreach (var to in next[way[^1]])
            {
                if (to == start) return way;
                if (seen.Add(to)) ways.Enqueue([.. way, to]);
            }
        return null;
    }

    private IEnumerable<string> Named(string own, string code) =>
        types.Keys.Where(folder => folder.Length > 0 && folder != own && Names(own, folder, code));

    private bool Names(string own, string folder, string code)
    {
        var usings = $@"^using [^;\n]*\b{Regex.Escape(NamespaceOf(folder))}(\.[A-Z]\w*)?;";
        if (Regex.IsMatch(code, usings, RegexOptions.Multiline)) return true;
        if (types[folder].Count == 0) return false;
        var anyType = $@"({string.Join('|', types[folder])})\b";
        // A namespace around one's own is seen without a using.
        if (own.StartsWith(folder + '.', StringComparison.Ordinal) && Regex.IsMatch(code, $@"(?<![.\w]){anyType}")) return true;
        var (whole, last) = (Regex.Escape(project), Regex.Escape(project.Split('.')[^1]));
        return Regex.IsMatch(code, $@"(?<![\w.])({whole}\.|{last}\.)?{Regex.Escape(folder)}\.{anyType}");
    }

    private string NamespaceOf(string folder) => folder.Length == 0 ? project : $"{project}.{folder}";

    public override string ToString() => root;

    [GeneratedRegex(@"(?<=^|\s)//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b(?:class|record|struct|enum|interface)\s+([A-Z]\w*)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}

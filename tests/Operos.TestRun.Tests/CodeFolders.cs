using System.Text.RegularExpressions;

namespace Operos.TestRun.Tests;

/// <summary>
/// How the folders of a project refer to each other. Namespaces follow folders, so a file refers to another folder where it has a using of
/// it or names one of its types by that folder. A file beside the project file is a part of its own, since some of those put the folders
/// together and others are what the folders share: its types are seen by the whole project and are referred to by their bare names.
/// </summary>
internal sealed partial class CodeFolders
{
    /// <summary>A folder, or one type's files beside the project file.</summary>
    /// <param name="Name">As circles tell it.</param>
    private sealed record Part(string Name, string Folder)
    {
        public bool IsFolder => Folder.Length > 0;
    }

    private readonly string root, project;
    private readonly List<(string Path, Part Part, string Code)> files = [];
    private readonly Dictionary<Part, HashSet<string>> types = [];

    private CodeFolders(string root)
    {
        (this.root, project) = (root, Path.GetFileName(root));
        foreach (var path in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var relative = Path.GetRelativePath(root, path);
            if (relative.Split('/')[0] is "bin" or "obj") continue;
            var (part, code) = (PartOf(relative), Comment().Replace(File.ReadAllText(path), ""));
            files.Add((relative, part, code));
            if (!types.TryGetValue(part, out var names)) types[part] = names = new(StringComparer.Ordinal);
            names.UnionWith(Declaration().Matches(code).Select(match => match.Groups[1].Value));
        }
    }

    /// <param name="root">The project's folder, which is named as its first namespace.</param>
    public static CodeFolders Read(string root) => new(root);

    public int Count => types.Count;

    /// <summary>Files whose namespace is not their folder.</summary>
    public IEnumerable<string> Misplaced => files
        .Select(file => (file.Path, Wanted: NamespaceOf(file.Part), Match: Namespace().Match(file.Code)))
        .Where(file => file.Match.Success && file.Match.Groups[1].Value != file.Wanted)
        .Select(file => $"{project}/{file.Path} is in {file.Match.Groups[1].Value}, not {file.Wanted}");

    /// <summary>
    /// Circles that a folder is part of, each told by a file for each of its steps; none where all references go one way. Files beside the
    /// project file are free among themselves, as those within a folder are.
    /// </summary>
    public IReadOnlyList<string> Circles()
    {
        var steps = files.SelectMany(file => Named(file.Part, file.Code).Select(to => (file.Path, From: file.Part, To: to)))
            .GroupBy(step => (step.From, step.To)).ToDictionary(group => group.Key, group => group.First().Path);
        var circles = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var start in types.Keys.Where(part => part.IsFolder))
            if (Shortest(start, steps.Keys) is { } way)
            {
                var told = way.Zip(way.Skip(1).Append(start)).Select(step => $"{project}/{steps[step]} refers to {step.Second.Name}");
                circles.TryAdd(string.Join(' ', way.Select(part => part.Name).Order(StringComparer.Ordinal)), string.Join(", ", told));
            }
        return [.. circles.Values];
    }

    /// <summary>The parts of a way from one back to itself; null where there is none.</summary>
    private static List<Part>? Shortest(Part start, IEnumerable<(Part From, Part To)> steps)
    {
        var next = steps.ToLookup(step => step.From, step => step.To);
        var ways = new Queue<List<Part>>([[start]]);
        var seen = new HashSet<Part>();
        while (ways.TryDequeue(out var way))
            foreach (var to in next[way[^1]])
            {
                if (to == start) return way;
                if (seen.Add(to)) ways.Enqueue([.. way, to]);
            }
        return null;
    }

    private IEnumerable<Part> Named(Part own, string code) =>
        types.Keys.Where(part => part != own && (part.IsFolder ? NamesFolder(own, part, code) : NamesFile(part, code)));

    private bool NamesFolder(Part own, Part folder, string code)
    {
        var usings = $@"^using [^;\n]*\b{Regex.Escape(NamespaceOf(folder))}(\.[A-Z]\w*)?;";
        if (Regex.IsMatch(code, usings, RegexOptions.Multiline)) return true;
        if (types[folder].Count == 0) return false;
        // A namespace around one's own is seen without a using.
        if (own.Folder.StartsWith(folder.Folder + '.', StringComparison.Ordinal) && Regex.IsMatch(code, $@"(?<![.\w]){AnyOf(folder)}"))
            return true;
        return Regex.IsMatch(code, $@"(?<![\w.])({Whole}\.|{Last}\.)?{Regex.Escape(folder.Folder)}\.{AnyOf(folder)}");
    }

    private bool NamesFile(Part file, string code) =>
        types[file].Count > 0 && Regex.IsMatch(code, $@"(?<![\w.])({Whole}\.|{Last}\.)?{AnyOf(file)}");

    private string AnyOf(Part part) => $@"({string.Join('|', types[part])})\b";

    private string Whole => Regex.Escape(project);

    private string Last => Regex.Escape(project.Split('.')[^1]);

    private string NamespaceOf(Part part) => part.IsFolder ? $"{project}.{part.Folder}" : project;

    private static Part PartOf(string path)
    {
        var folder = (Path.GetDirectoryName(path) ?? "").Replace('/', '.');
        return folder.Length > 0 ? new(folder, folder) : new($"{path.Split('.')[0]}.cs", "");
    }

    public override string ToString() => root;

    [GeneratedRegex(@"(?<=^|\s)//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b(?:class|record|struct|enum|interface)\s+([A-Z]\w*)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}

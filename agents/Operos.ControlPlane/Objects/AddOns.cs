using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Operos.Kubernetes;

namespace Operos.ControlPlane.Objects;

/// <summary>
/// The add-ons' folder: every manifest in it is applied, and what is no longer there is deleted. What was applied is remembered in a
/// file before it is, so that a power cut loses no object to prune.
/// </summary>
internal sealed class AddOns(string folder, ObjectApplier applier, ILogger<AddOns> logger)
{
    /// <summary>On each object: the file that brought it.</summary>
    public const string Label = "operos.io/add-on";
    public const string FieldManager = "operos-add-ons";
    private const long MaxFile = 8 * 1024 * 1024;
    private readonly AppliedObjects record = new(Path.Combine(folder, ".applied.json"), logger);

    /// <summary>What the folder's files look like now: names, sizes, times.</summary>
    public string Fingerprint() => string.Join('\n', Files().Select(file => $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks}"));

    /// <summary>Brings the cluster to what the folder says; answers with all that went wrong.</summary>
    public async Task<(int Applied, IReadOnlyList<string> Problems)> ApplyAsync(CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        var before = record.Load();
        var wanted = new List<(ObjectName Name, string File, JsonObject Value)>();
        var unreadable = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in Files()) Read(file, wanted, unreadable, problems);
        // A file that cannot be read keeps what it brought: a typing error must not delete an add-on.
        var kept = before.Where(entry => unreadable.Contains(entry.File) || wanted.Any(item => item.Name.IsSameAs(entry.Name))).ToList();
        record.Save([.. before, .. wanted.Select(item => new Applied(item.File, item.Name))]);
        var done = new List<Applied>(kept);
        foreach (var (name, file, value) in wanted.OrderBy(item => Rank(item.Name.Kind)))
        {
            try { done.Add(new Applied(file, await applier.ApplyAsync(value, cancellationToken).ConfigureAwait(false))); }
            catch (Exception e) when (e is ApiException or InvalidOperationException)
            {
                problems.Add($"{file}: {name}: {e.Message}");
                done.Add(new Applied(file, name));
            }
        }
        foreach (var gone in Prune(before, done))
        {
            try
            {
                await applier.DeleteAsync(gone.Name, Label, cancellationToken).ConfigureAwait(false);
                logger.AddOnObjectDeleted(gone.File, gone.Name.ToString());
            }
            catch (ApiException e)
            {
                problems.Add($"{gone.File}: {gone.Name} cannot be deleted: {e.Message}");
                done.Add(gone);
            }
        }
        record.Save(done);
        return (wanted.Count, problems);
    }

    /// <summary>What was brought and is wanted no more, last things first: a namespace goes after what is in it.</summary>
    internal static IEnumerable<Applied> Prune(IEnumerable<Applied> before, IReadOnlyList<Applied> wanted) =>
        before.Where(entry => !wanted.Any(item => item.Name.IsSameAs(entry.Name))).OrderByDescending(entry => Rank(entry.Name.Kind));

    private static void Read(FileInfo file, List<(ObjectName, string, JsonObject)> wanted, HashSet<string> unreadable,
        List<string> problems)
    {
        try
        {
            if (file.Length > MaxFile) throw new FormatException($"larger than {MaxFile} bytes");
            foreach (var value in Manifest.Parse(File.ReadAllText(file.FullName)))
            {
                var metadata = (JsonObject)value["metadata"]!;
                if (metadata["labels"] is not JsonObject labels) metadata["labels"] = labels = [];
                labels[Label] = Mark(file.Name);
                wanted.Add((ObjectName.Of(value), file.Name, value));
            }
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            unreadable.Add(file.Name);
            problems.Add($"{file.Name}: {e.Message}");
        }
    }

    private IEnumerable<FileInfo> Files() => Directory.Exists(folder)
        ? new DirectoryInfo(folder).EnumerateFiles().Where(file => file.Name[0] != '.' && file.Extension is ".yaml" or ".yml" or ".json")
            .OrderBy(file => file.Name, StringComparer.Ordinal) : [];

    /// <summary>A file's name as a label's value.</summary>
    private static string Mark(string file) =>
        LabelSyntax.ToValue(Path.GetFileNameWithoutExtension(file)) is { Length: > 0 } mark ? mark : "add-on";

    private static int Rank(string kind) =>
        kind switch { "Namespace" =>
        0, "CustomResourceDefinition" => 1, "ServiceAccount" or "ConfigMap" or "Secret" or "ClusterRole" or "Role" => 2, _ => 3 };
}

using System.Text.RegularExpressions;

namespace Operos.TestRun.Tests;

/// <summary>A README's tables lead to files: each file that one names is there.</summary>
public sealed partial class ReadmeTests
{
    public static TheoryData<string> Projects => new(Directory.EnumerateDirectories(Path.Combine(Checkout.Folder, "agents"), "Operos.*")
        .Select(folder => Path.GetRelativePath(Checkout.Folder, folder)).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Projects))]
    public void A_project_has_a_README_with_a_table_of_files_that_exist(string project)
    {
        var text = File.ReadAllText(Path.Combine(Checkout.Folder, project, "README.md"));
        Assert.True(FilesOf(text).Count() > 3, $"{project}/README.md has no table behaviour -> file");
        Assert.Empty(Missing(project, text));
    }

    [Fact]
    public void The_table_of_all_projects_names_files_that_exist() =>
        Assert.Empty(Missing("agents", File.ReadAllText(Path.Combine(Checkout.Folder, "agents", "README.md"))));

    [Fact]
    public void A_file_that_is_not_there_is_told()
    {
        const string text = "| when | `Network/NodeFirewall.cs`, then `RouteTable.cs` (`Run`), `images/layers.sh` |\n"
            + "| what | `Network/Gone.cs` |";
        Assert.Equal("agents/Operos.Node: Network/Gone.cs", Assert.Single(Missing("agents/Operos.Node", text)));
    }

    /// <summary>A name is of a file beside the README, in the checkout, or beside the one that its line named before.</summary>
    private static IEnumerable<string> Missing(string folder, string readme)
    {
        var root = Path.Combine(Checkout.Folder, folder);
        foreach (var line in readme.Split('\n'))
        {
            var beside = root;
            foreach (var name in FilesOf(line))
            {
                var found = new[] { root, Checkout.Folder, beside }.Select(place => Path.GetFullPath(Path.Combine(place, name)))
                    .FirstOrDefault(File.Exists);
                if (found is null) yield return $"{folder}: {name}";
                else beside = Path.GetDirectoryName(found)!;
            }
        }
    }

    private static IEnumerable<string> FilesOf(string text) => text.Split('\n').Where(line => line.StartsWith('|'))
        .SelectMany(line => FileName().Matches(line)).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"`([\w./-]+\.(?:cs|sh))`")]
    private static partial Regex FileName();
}

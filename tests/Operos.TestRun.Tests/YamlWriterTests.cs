using System.Text.RegularExpressions;

namespace Operos.TestRun.Tests;

/// <summary>Reads the code that is shipped: what Kubernetes' programs read is written in one way, which quotes every text.</summary>
public sealed partial class YamlWriterTests
{
    private const string Writer = "YamlText.Write(";

    [Fact]
    public void Whatever_holds_values_and_is_read_by_Kubernetes_is_written_by_YamlText()
    {
        var agents = Path.Combine(Checkout.Folder, "agents");
        var files = Directory.EnumerateFiles(agents, "*.cs", SearchOption.AllDirectories)
            .Where(path => Path.GetRelativePath(agents, path).Split('/')[1] is not ("bin" or "obj"))
            .Select(path => (Path: Path.GetRelativePath(agents, path), Code: File.ReadAllText(path))).ToList();
        Assert.Empty(files.SelectMany(file => Wrong(file.Code).Select(line => $"{file.Path}:{line}")));
        Assert.True(files.Sum(file => Interpolated().Count(file.Code)) > 5, "no file of Kubernetes is found any more");
    }

    [Theory]
    [InlineData("var a = $\"\"\"\n    apiVersion: v1\n    name: {name}\n    \"\"\";", 1)]
    [InlineData("var a = $$\"\"\"\n    { \"cniVersion\": \"1.0.0\", \"name\": \"{{name}}\" }\n    \"\"\";", 1)]
    [InlineData("var a = YamlText.Write($\"\"\"\n    apiVersion: v1\n    name: {name}\n    \"\"\");", 0)]
    [InlineData("var a = \"\"\"\n    apiVersion: v1\n    \"\"\";", 0)]
    [InlineData("var a = $\"\"\"\n    [network]\n    name: {name}\n    \"\"\"; // apiVersion", 0)]
    public void What_is_written_otherwise_is_found(string code, int times) => Assert.Equal(times, Wrong(code).Count());

    private static IEnumerable<int> Wrong(string code) => Interpolated().Matches(code)
        .Where(match => !code[..match.Index].EndsWith(Writer, StringComparison.Ordinal))
        .Select(match => code[..match.Index].Count(c => c == '\n') + 1);

    /// <summary>A raw interpolated string of several lines that says which API reads it.</summary>
    [GeneratedRegex("""
        \$+"{3}\n(?:(?!"{3}).)*?\b(?:apiVersion|cniVersion)\b(?:(?!"{3}).)*"{3}
        """, RegexOptions.Singleline)]
    private static partial Regex Interpolated();
}

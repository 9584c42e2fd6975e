namespace Operos.TestRun.Tests;

/// <summary>Reads the code that is shipped: what refers to what.</summary>
public sealed class CodeFolderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("operos-folders-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static TheoryData<string> Projects => new(Directory
        .EnumerateFiles(Path.Combine(Checkout.Folder, "agents"), "*.csproj", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Checkout.Folder, Path.GetDirectoryName(path)!)).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Projects))]
    public void Folders_of_a_project_refer_to_each_other_one_way(string project)
    {
        var read = CodeFolders.Read(Path.Combine(Checkout.Folder, project));
        Assert.True(read.Count > 0, $"no code was found in {project}");
        Assert.Empty(read.Misplaced);
        Assert.Empty(read.Circles());
    }

    [Fact]
    public void No_project_refers_to_an_agent()
    {
        var projects = Projects.Select(row => (Path: row.Data, Text: ReadProject(row.Data))).ToList();
        var agents = projects.Where(project => project.Text.Contains("<OperosBinary>", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(agents);
        foreach (var (_, text) in projects)
            Assert.DoesNotContain(agents, agent => text.Contains($"/{Path.GetFileName(agent.Path)}.csproj", StringComparison.Ordinal));
    }

    [Fact]
    public void A_circle_is_told_with_the_two_files_that_close_it()
    {
        Write("Boots/Menu.cs", "using Sample.Releases;\nnamespace Sample.Boots;\nclass Menu(Store store);");
        Write("Releases/Store.cs", "namespace Sample.Releases;\n// Boots.Menu shows it.\nclass Store;");
        Assert.Empty(CodeFolders.Read(Project).Circles());

        Write("Releases/Watch.cs", "using Sample.Boots;\nnamespace Sample.Releases;\nclass Watch(Menu menu);");
        var circle = Assert.Single(CodeFolders.Read(Project).Circles());
        Assert.Equal("Sample/Boots/Menu.cs refers to Releases, Sample/Releases/Watch.cs refers to Boots", circle);
    }

    [Theory]
    [InlineData("namespace Sample.Releases;\nclass Watch { Boots.Menu menu; }")]
    [InlineData("namespace Sample.Releases;\nclass Watch { Sample.Boots.Menu menu; }")]
    [InlineData("using M = Sample.Boots.Menu;\nnamespace Sample.Releases;\nclass Watch { M menu; }")]
    [InlineData("using static Sample.Boots.Menu;\nnamespace Sample.Releases;\nclass Watch;")]
    public void However_a_folder_is_named_it_is_referred_to(string code)
    {
        Write("Boots/Menu.cs", "using Sample.Releases;\nnamespace Sample.Boots;\nclass Menu;");
        Write("Releases/Watch.cs", code);
        Assert.Single(CodeFolders.Read(Project).Circles());
    }

    [Fact]
    public void A_circle_through_three_folders_is_found_once_and_a_file_in_a_foreign_namespace_is_told()
    {
        Write("A/One.cs", "using Sample.B;\nnamespace Sample.A;\nclass One;");
        Write("B/Two.cs", "using Sample.C;\nnamespace Sample.B;\nclass Two;");
        Write("C/Three.cs", "using Sample.A;\nnamespace Sample.C;\nclass Three;");
        Write("C/Four.cs", "namespace Sample.D;\nclass Four;");
        var read = CodeFolders.Read(Project);
        var circle = Assert.Single(read.Circles());
        Assert.Equal("Sample/A/One.cs refers to B, Sample/B/Two.cs refers to C, Sample/C/Three.cs refers to A", circle);
        Assert.Equal("Sample/C/Four.cs is in Sample.D, not Sample.C", Assert.Single(read.Misplaced));
    }

    [Fact]
    public void A_file_beside_the_project_file_may_serve_the_folders_or_put_them_together_but_not_both()
    {
        Write("Boots/Menu.cs", "namespace Sample.Boots;\nclass Menu(SampleSettings settings) { Store Sample; }");
        Write("SampleSettings.cs", "namespace Sample;\nclass SampleSettings;");
        Write("Program.cs", "using Sample.Boots;\nnamespace Sample;\nclass Program { Menu menu = new(new SampleSettings()); }");
        Assert.Empty(CodeFolders.Read(Project).Circles());

        Write("SampleSettings.cs", "namespace Sample;\nclass SampleSettings { SampleSource source; }");
        Write("SampleSource.Read.cs", "namespace Sample;\npartial class SampleSource { Boots.Menu menu; }");
        var circle = Assert.Single(CodeFolders.Read(Project).Circles());
        Assert.Equal("Sample/Boots/Menu.cs refers to SampleSettings.cs, Sample/SampleSettings.cs refers to SampleSource.cs, "
            + "Sample/SampleSource.Read.cs refers to Boots", circle);
    }

    private string Project => Path.Combine(folder, "Sample");

    private void Write(string path, string code)
    {
        var file = Path.Combine(Project, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, code);
    }

    private static string ReadProject(string project) =>
        File.ReadAllText(Path.Combine(Checkout.Folder, project, Path.GetFileName(project) + ".csproj"));
}

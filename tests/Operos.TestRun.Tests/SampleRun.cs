namespace Operos.TestRun.Tests;

/// <summary>A run of items that a test makes up, in a folder of its own.</summary>
internal sealed class SampleRun : IDisposable
{
    private readonly StringWriter _output = new();

    public string Folder { get; } = Directory.CreateTempSubdirectory("operos-run-").FullName;

    /// <summary>What a person sees: rows, failures, the closing line.</summary>
    public string Output { get { lock (_output) return _output.ToString(); } }

    public string LastLine => Output.TrimEnd().Split('\n')[^1];

    public string LogOf(Item item) => File.ReadAllText(ItemRun.LogPath(item, Folder));

    /// <summary>A part of this very program: <see cref="Samples"/>.</summary>
    public static Item Sample(string name, TimeSpan? limit = null, params IReadOnlyList<string> methods) => new()
    {
        Name = name, IsProject = true, Limit = limit ?? TimeSpan.FromSeconds(60), Command = [Environment.ProcessPath!],
        Filter = ["-explicit", "only", .. methods.SelectMany(method => (string[])["-method", $"*.{nameof(Samples)}.{method}"])],
    };

    public static Item Script(string name, string text, TimeSpan? limit = null) =>
        new() { Name = name, Limit = limit ?? TimeSpan.FromSeconds(60), Command = ["bash", "-c", text] };

    public async Task<IReadOnlyList<StageResult>> RunAsync(IReadOnlyList<Group> groups, TimeSpan? limit = null, CancellationToken stop = default)
    {
        var writer = TextWriter.Synchronized(_output);
        var stages = await new TestRun(new RunOptions(Folder, limit ?? TimeSpan.FromMinutes(2)), writer, stop).RunAsync([new Stage("samples", groups)]);
        RunReport.Write(stages, Folder, writer);
        return stages;
    }

    /// <summary>Whether a process has this among its arguments.</summary>
    public static bool IsRunning(string argument) => Directory.EnumerateDirectories("/proc").Any(folder =>
    {
        try { return char.IsAsciiDigit(Path.GetFileName(folder)[0]) && File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0').Contains(argument); }
        catch (IOException) { return false; }
    });

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        _output.Dispose();
    }
}

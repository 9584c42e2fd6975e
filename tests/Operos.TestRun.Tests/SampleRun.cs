namespace Operos.TestRun.Tests;

/// <summary>A run of items that a test makes up, in a folder of its own.</summary>
internal sealed class SampleRun : IDisposable
{
    private readonly StringWriter _output = new();

    public string Folder { get; } = Directory.CreateTempSubdirectory("operos-run-").FullName;

    /// <summary>What a person sees, once all has ended: rows, failures, the closing line.</summary>
    public string Output => _output.ToString();

    public string LastLine => Output.TrimEnd().Split('\n')[^1];

    public string LogOf(Item item) => File.ReadAllText(ItemRun.LogPath(item, Folder));

    /// <summary>A part of this very program: <see cref="Samples"/>.</summary>
    public static Item Sample(string name, params IEnumerable<string> methods) => new()
    {
        Name = name, IsProject = true, Limit = TimeSpan.FromMinutes(1), Command = [Environment.ProcessPath!],
        Filter = ["-explicit", "only", .. methods.SelectMany(method => (string[])["-method", $"*.{nameof(Samples)}.{method}"])],
    };

    public static Item Script(string name, string text) =>
        new() { Name = name, Limit = TimeSpan.FromMinutes(1), Command = ["/bin/bash", "-c", text] };

    /// <summary>For a program that nobody else starts: one can tell whether it runs.</summary>
    public static string UniqueSeconds() => $"7{Random.Shared.Next(1_000_000, 9_999_999)}";

    /// <summary>Whether a process has this among its arguments.</summary>
    public static bool IsRunning(string argument) => Directory.EnumerateDirectories("/proc").Any(folder =>
    {
        if (!char.IsAsciiDigit(Path.GetFileName(folder)[0])) return false;
        try { return File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0').Contains(argument); }
        catch (IOException) { return false; }
    });

    public Task<RunReport> RunAsync(params IReadOnlyList<Group> groups) => RunAsync(TimeSpan.FromMinutes(3), groups);

    public async Task<RunReport> RunAsync(TimeSpan limit, params IReadOnlyList<Group> groups)
    {
        var run = new TestRun(new RunOptions(Folder, limit), _output, TestContext.Current.CancellationToken);
        var report = new RunReport(await run.RunAsync([new Stage("samples", groups)]));
        report.Write(Folder, _output);
        return report;
    }

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        _output.Dispose();
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Controller.ControlPlane.Components;

/// <summary>
/// Components as processes of this agent, from one folder (etcd from the PATH where the folder has none): restarted when they die,
/// stopped in order with us, and found again by a next agent when this one is killed.
/// </summary>
internal sealed class ChildProcesses(string programs, string folder, ILogger<ChildProcesses> logger) : IComponentRunner
{
    private const long MaxLog = 32 * 1024 * 1024;
    private const int Tail = 4096;
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(10), LongestPause = TimeSpan.FromSeconds(15), StopTime = TimeSpan.FromSeconds(10);
    private readonly Dictionary<string, Child> children = new(StringComparer.Ordinal);

    public async Task<string?> EnsureAsync(Component component, CancellationToken cancellationToken)
    {
        var child = Find(component.Name);
        if (child.IsAlive && child.CommandLine == CommandLine(component))
        {
            Shorten(Log(component.Name));
            return null;
        }
        if (child.IsAlive) await StopAsync(child).ConfigureAwait(false);
        if (child.NextStart > DateTimeOffset.UtcNow) return $"ended; starts again in {(child.NextStart - DateTimeOffset.UtcNow).TotalSeconds:0} s";
        Start(component, child);
        return null;
    }

    public async Task RestartAsync(Component component, CancellationToken cancellationToken)
    {
        var child = Find(component.Name);
        if (child.IsAlive) await StopAsync(child).ConfigureAwait(false);
        child.NextStart = default;
        await EnsureAsync(component, cancellationToken).ConfigureAwait(false);
    }

    public Task<string> LastWordsAsync(string name, CancellationToken cancellationToken)
    {
        if (!File.Exists(Log(name))) return Task.FromResult("");
        using var file = new FileStream(Log(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(-Math.Min(Tail, file.Length), SeekOrigin.End);
        using var reader = new StreamReader(file);
        return Task.FromResult(reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "");
    }

    /// <summary>The dependents first: none of them then logs that the one below is gone.</summary>
    public async Task EndAsync()
    {
        foreach (var group in (string[][])[[Component.ControllerManager, Component.Scheduler], [Component.ApiServer], [Component.Etcd]])
            await Task.WhenAll(group.Select(Find).Where(child => child.IsAlive).Select(StopAsync)).ConfigureAwait(false);
    }

    public async Task<string> AskVersionAsync(CancellationToken cancellationToken) =>
        (await ProgramCall.RunAsync(Program(Component.ApiServer), ["--version"], cancellationToken).ConfigureAwait(false)).Output;

    private void Start(Component component, Child child)
    {
        // The shell only redirects, then becomes the program; a file, for a pipe would kill the component with us.
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", $"exec \"$0\" \"$@\" >>'{Log(component.Name)}' 2>&1 </dev/null", Program(component.Name), .. component.Arguments]))!;
        var now = DateTimeOffset.UtcNow;
        child.Pause = now - child.Started > ShortLife ? TimeSpan.FromSeconds(1) : child.Pause * 2 < LongestPause ? child.Pause * 2 : LongestPause;
        (child.Id, child.Started, child.NextStart, child.CommandLine) = (process.Id, now, now + child.Pause, CommandLine(component));
        child.StartTime = Child.ReadStartTime(process.Id) ?? "";
        AtomicFile.Write(Record(component.Name), Encoding.UTF8.GetBytes($"{child.Id} {child.StartTime}\n{child.CommandLine}"));
        logger.LogInformation("{Component} runs as process {Process}; its log is {Log}", component.Name, child.Id, Log(component.Name));
    }

    /// <summary>A component that an agent before us started is ours.</summary>
    private Child Find(string name)
    {
        if (children.TryGetValue(name, out var child)) return child;
        child = new Child();
        if (File.Exists(Record(name)) && File.ReadAllText(Record(name)).Split('\n', 2) is [var first, var line] && first.Split(' ') is [var id, var start] && int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            (child.Id, child.StartTime, child.CommandLine) = (number, start, line);
        return children[name] = child;
    }

    private static async Task StopAsync(Child child)
    {
        await ProgramCall.RunAsync("kill", ["-TERM", $"{child.Id}"], CancellationToken.None).ConfigureAwait(false);
        for (var started = Stopwatch.GetTimestamp(); child.IsAlive; await Task.Delay(50).ConfigureAwait(false))
            if (Stopwatch.GetElapsedTime(started) > StopTime) await ProgramCall.RunAsync("kill", ["-KILL", $"{child.Id}"], CancellationToken.None).ConfigureAwait(false);
    }

    private string Program(string name)
    {
        var path = Path.Combine(programs, name);
        return File.Exists(path) || name != Component.Etcd ? path : name;
    }

    private string CommandLine(Component component) => string.Join('\n', [Program(component.Name), .. component.Arguments]);

    private string Log(string name) => Path.Combine(folder, name + ".log");

    private string Record(string name) => Path.Combine(folder, name + ".process");

    /// <summary>The writer appends, so a shortened file simply begins anew.</summary>
    private static void Shorten(string log)
    {
        if (!File.Exists(log) || new FileInfo(log).Length < MaxLog) return;
        using var file = new FileStream(log, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(0);
    }

    private sealed class Child
    {
        public int Id { get; set; }
        public string StartTime { get; set; } = "";
        public string CommandLine { get; set; } = "";
        public DateTimeOffset Started { get; set; }
        public DateTimeOffset NextStart { get; set; }
        public TimeSpan Pause { get; set; } = TimeSpan.FromSeconds(1);

        public bool IsAlive => Id > 0 && ReadStartTime(Id) == StartTime;

        /// <summary>A process id is used again one day, its start time (proc(5), stat, field 22) is not; a zombie counts as dead.</summary>
        public static string? ReadStartTime(int id)
        {
            try { return File.ReadAllText($"/proc/{id}/stat").Split(')')[^1].Split(' ') is [_, not "Z", ..] fields ? fields[20] : null; }
            catch (IOException) { return null; }
        }
    }
}

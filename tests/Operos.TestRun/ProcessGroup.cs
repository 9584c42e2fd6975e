using System.Diagnostics;

namespace Operos.TestRun;

/// <summary>A program and all that it starts, which ends together.</summary>
/// <remarks>
/// The program leads a session, so that a terminal's Ctrl-C reaches only us. Who makes a session of its own, as daemons and
/// containers do, is known by a variable that all of them inherit.
/// </remarks>
internal sealed class ProcessGroup : IDisposable
{
    private const string Variable = "OPEROS_TEST_ITEM";
    private readonly Process _leader;
    private readonly string _mark;
    private readonly Task _output;

    private ProcessGroup(Process leader, string mark, Action<string> line)
    {
        _leader = leader;
        _mark = mark;
        _output = ReadAsync(leader.StandardOutput, line);
    }

    /// <summary>The leader's.</summary>
    public int Id => _leader.Id;

    public int ExitCode => _leader.ExitCode;

    /// <param name="environment">Added to our own.</param>
    /// <param name="line">Gets each line of output and errors, one at a time.</param>
    public static ProcessGroup Start(
        IReadOnlyList<string> command, int nice, IReadOnlyDictionary<string, string> environment, Action<string> line)
    {
        // Each becomes the next, so that the process id stays. A session's processes are a group of the scheduler (sched(7), autogroup):
        // their niceness counts among themselves only, the group has one of its own. SIGQUIT shall leave no core of a guest's memory.
        const string prepare = """
            (echo "$1" > /proc/self/autogroup) 2> /dev/null || true
            ulimit -c 0
            exec nice -n "$@" 2>&1
            """;
        var start = new ProcessStartInfo("setsid", ["sh", "-c", prepare, "sh", $"{nice}", .. command])
        {
            RedirectStandardOutput = true, RedirectStandardInput = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var mark = $"{Guid.NewGuid()}";
        start.Environment[Variable] = mark;
        var leader = Process.Start(start)!;
        leader.StandardInput.Close();
        return new ProcessGroup(leader, mark, line);
    }

    /// <summary>Until the leader is gone.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _leader.WaitForExitAsync(cancellationToken);

    public Task SignalLeaderAsync(string signal) => KillAsync(signal, [Id]);

    /// <summary>SIGTERM, and after <paramref name="patience"/> SIGKILL, to whoever is still there; then the rest of the output.</summary>
    /// <returns>Who was there beside the leader.</returns>
    public async Task<IReadOnlyList<string>> EndAsync(TimeSpan patience)
    {
        var others = Members().Where(member => member.Id != Id).Select(member => $"{member.Name} ({member.Id})").ToList();
        await KillAsync("TERM", Members().Select(member => member.Id)).ConfigureAwait(false);
        for (var clock = Stopwatch.StartNew(); Members() is { Count: > 0 } left && clock.Elapsed < patience + TimeSpan.FromSeconds(5);)
        {
            if (clock.Elapsed > patience) await KillAsync("KILL", left.Select(member => member.Id)).ConfigureAwait(false);
            await Task.Delay(50).ConfigureAwait(false);
        }
        await _leader.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Who left the group may hold the pipe for ever.
        await _output.WaitAsync(TimeSpan.FromSeconds(2)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return others;
    }

    public void Dispose() => _leader.Dispose();

    private List<(int Id, string Name)> Members()
    {
        var members = new List<(int, string)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var id)) continue;
            try
            {
                // proc(5): after the name in parentheses come the state, the parent and the group.
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                var (open, close) = (stat.IndexOf('('), stat.LastIndexOf(')'));
                var fields = stat[(close + 2)..].Split(' ');
                if (fields[0] != "Z" && (fields[2] == $"{Id}" || IsMarked(folder))) members.Add((id, stat[(open + 1)..close]));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { /* gone meanwhile, or another user's */ }
        }
        return members;
    }

    private bool IsMarked(string process) => File.ReadAllText(Path.Combine(process, "environ")).Split('\0').Contains($"{Variable}={_mark}");

    private static async Task KillAsync(string signal, IEnumerable<int> processes)
    {
        string[] targets = [.. processes.Select(id => $"{id}")];
        if (targets.Length == 0) return;
        using var kill = Process.Start(new ProcessStartInfo("kill", ["-s", signal, "--", .. targets]) { RedirectStandardError = true })!;
        await kill.WaitForExitAsync().ConfigureAwait(false);
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> line)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } text) line(text);
    }
}

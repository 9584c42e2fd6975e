using Microsoft.Extensions.Logging.Abstractions;
using Operos.Linux.Supervision;

namespace Operos.Controller.Tests;

/// <summary>The supervisor with real processes, children of the test.</summary>
public sealed class DaemonSupervisorTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly string folder = Directory.CreateTempSubdirectory("operos-daemon-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task One_that_dies_is_told_of_with_its_last_words_and_started_again()
    {
        var script = $"[ -e {folder}/free ] && exec sleep 600; printf 'error: the \\033port is taken\\n' >&2; echo bye >&2; exit 3";
        await RunAsync(script, (_, _) => DaemonChange.None, async supervisor =>
        {
            await UntilAsync("it says why", () => supervisor.Status is (false, "ended with code 3: error: the port is taken", _));
            File.WriteAllText($"{folder}/free", "");
            await UntilAsync("it runs and stays", () => supervisor is { Status.Healthy: true, ProcessId: { } process } && IsSleep(process));
        });
    }

    [Fact]
    public async Task One_that_can_read_new_files_is_told_to_and_one_that_cannot_is_another_process()
    {
        var change = DaemonChange.Reload;
        var asked = new List<bool>();
        var script = $"trap 'echo again >> {folder}/read' HUP; echo ready > {folder}/ready; while :; do sleep 0.05; done";
        await RunAsync(script, (runs, _) =>
        {
            lock (asked) asked.Add(runs);
            return change;
        }, async supervisor =>
        {
            await UntilAsync("it runs", () => File.Exists($"{folder}/ready"));
            var first = supervisor.ProcessId;
            await OrderAsync("it has read again", supervisor.Prepare, () => File.Exists($"{folder}/read"));
            Assert.Equal(first, supervisor.ProcessId);
            change = DaemonChange.Restart;
            await OrderAsync("it is another process", supervisor.Prepare, () => supervisor.ProcessId is { } now && now != first);
            Assert.Equal([false, true, true], asked.Take(3));
        });
    }

    [Fact]
    public async Task One_whose_files_cannot_be_written_is_not_started_and_says_why()
    {
        await RunAsync($"touch {folder}/started", (_, _) => throw new IOException("the disk is full"), async supervisor =>
        {
            await UntilAsync("it says why", () => supervisor.Status is (false, "cannot be prepared: the disk is full", _));
            Assert.False(File.Exists($"{folder}/started"));
        });
    }

    [Fact]
    public async Task A_child_ends_with_the_agent()
    {
        int? process = null;
        await RunAsync("exec sleep 600", (_, _) => DaemonChange.None, async supervisor =>
        {
            await UntilAsync("it runs", () => supervisor.ProcessId is not null);
            process = supervisor.ProcessId;
            Assert.True(Directory.Exists($"/proc/{process}"));
        });
        Assert.False(Directory.Exists($"/proc/{process}"));
    }

    private static async Task RunAsync(string script, Func<bool, CancellationToken, DaemonChange> prepare,
        Func<DaemonSupervisor, Task> act)
    {
        var daemon = new Daemon
        {
            Name = "sample", Unit = "sample", Package = "sample", Program = "/bin/sh", Arguments = ["-c", script],
            PrepareAsync = (runs, token) => Task.FromResult(prepare(runs, token)),
        };
        var supervisor = new DaemonSupervisor(daemon, DaemonHost.Children(NullLogger.Instance).Of(daemon), NullLogger.Instance);
        using var stop = new CancellationTokenSource();
        var running = supervisor.RunAsync(stop.Token);
        try { await act(supervisor); }
        finally
        {
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Patience));
        }
    }

    private static bool IsSleep(int process)
    {
        try { return File.ReadAllText($"/proc/{process}/cmdline").StartsWith("sleep", StringComparison.Ordinal); }
        // It has just ended.
        catch (IOException) { return false; }
    }

    /// <summary>An order that finds the daemon between two steps may be given again.</summary>
    private static Task OrderAsync(string what, Action order, Func<bool> done) => UntilAsync(what, () =>
    {
        if (done()) return true;
        order();
        return false;
    });

    private static async Task UntilAsync(string what, Func<bool> holds)
    {
        for (var started = Environment.TickCount64; !holds(); await Task.Delay(20))
            Assert.True(Environment.TickCount64 - started < Patience.TotalMilliseconds, $"not within {Patience.TotalSeconds} s: {what}");
    }
}

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
        // A shell cannot trap a signal that was ignored when it began, as below nohup (POSIX, trap).
        var script = "exec env --default-signal=HUP sh -c "
            + $"\"trap 'echo again >> {folder}/read' HUP; echo ready > {folder}/ready; while :; do sleep 0.05; done\"";
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

    [Fact]
    public async Task One_that_lacks_something_waits_for_it_and_once_it_runs_is_left_alone_whatever_it_lacks()
    {
        string? missing = "waits for etcd";
        var prepared = 0;
        await RunAsync($"touch {folder}/started; exec sleep 600", (_, _) =>
        {
            Interlocked.Increment(ref prepared);
            return DaemonChange.None;
        }, async supervisor =>
        {
            await UntilAsync("it says for what", () => supervisor.Status is (false, "waits for etcd", _));
            Assert.Null(supervisor.ProcessId);
            Assert.Equal((0, false), (prepared, File.Exists($"{folder}/started")));
            Volatile.Write(ref missing, null);
            await UntilAsync("it runs", () => supervisor is { Status: (true, "running", _), ProcessId: not null });
            var first = supervisor.ProcessId;
            Volatile.Write(ref missing, "waits for etcd");
            await OrderAsync("it has looked at its files again", supervisor.Prepare, () => Volatile.Read(ref prepared) > 1);
            Assert.Equal((true, first), (supervisor.Status.Healthy, supervisor.ProcessId));
        }, daemon => daemon with { WaitsFor = () => Volatile.Read(ref missing) });
    }

    [Fact]
    public async Task One_that_must_say_so_is_healthy_only_then_and_ails_in_its_own_words_since_it_first_did()
    {
        var script = $"say() {{ echo \"$1\" > {folder}/new; mv {folder}/new {folder}/health; }}; "
            + $"say 'not ready yet: rbac'; until [ -e {folder}/go ]; do sleep 0.05; done; say works; "
            + $"until [ -e {folder}/ail ]; do sleep 0.05; done; say 'not ready yet: etcd'; "
            + $"until [ -e {folder}/worse ]; do sleep 0.05; done; say 'not ready yet: etcd, log'; exec sleep 600";
        await RunAsync(script, (_, _) => DaemonChange.None, async supervisor =>
        {
            await UntilAsync("it says what it lacks", () => supervisor.Status is (false, "not ready yet: rbac", _));
            Assert.NotNull(supervisor.ProcessId);
            var told = new List<(bool, string)>();
            supervisor.StatusChanged += (healthy, text) =>
            {
                lock (told) told.Add((healthy, text));
            };
            File.WriteAllText($"{folder}/go", "");
            await UntilAsync("it is healthy", () => supervisor.Status.Healthy);
            File.WriteAllText($"{folder}/ail", "");
            await UntilAsync("it ails at once", () => supervisor.Status is (false, "not ready yet: etcd", _));
            var since = supervisor.Status.Since;
            File.WriteAllText($"{folder}/worse", "");
            await UntilAsync("it ails more", () => supervisor.Status.Text == "not ready yet: etcd, log");
            Assert.Equal(since, supervisor.Status.Since);
            await UntilAsync("all was told", () => CountOf(told) == 3);
            Assert.Equal([(true, "running"), (false, "not ready yet: etcd"), (false, "not ready yet: etcd, log")], told);
        }, daemon => daemon with { Health = Check() with { Forgiven = TimeSpan.Zero } });
    }

    [Fact]
    public async Task One_that_never_worked_is_given_time_and_one_that_did_is_started_again_unless_it_lacks_something()
    {
        var patience = TimeSpan.FromSeconds(1);
        var wedged = 0;
        string? missing = null;
        Say("starts");
        await RunAsync("exec sleep 600", (_, _) => DaemonChange.None, async supervisor =>
        {
            await UntilAsync("it runs and says so", () => supervisor is { ProcessId: not null, Status: (false, "starts", _) });
            var first = supervisor.ProcessId;
            await Task.Delay(patience * 1.5);
            Say("works");
            await UntilAsync("it works", () => supervisor.Status.Healthy);
            Volatile.Write(ref missing, "waits for etcd");
            Say("not ready");
            await UntilAsync("it ails", () => supervisor.Status.Text == "not ready");
            await Task.Delay(patience * 1.5);
            Assert.Equal((0, first, "not ready"), (wedged, supervisor.ProcessId, supervisor.Status.Text));
            var told = new List<string>();
            supervisor.StatusChanged += (_, text) =>
            {
                lock (told) told.Add(text);
            };
            Volatile.Write(ref missing, null);
            await UntilAsync("it is another process", () => supervisor.ProcessId is { } now && now != first);
            var second = supervisor.ProcessId;
            await UntilAsync("it says how it is", () => supervisor.Status.Text == "not ready");
            await UntilAsync("all was told", () => CountOf(told) == 2);
            Assert.Equal(["has not worked for 1 s: not ready", "not ready"], told);
            await Task.Delay(patience * 1.5);
            Assert.Equal((1, second), (wedged, supervisor.ProcessId));
        }, daemon => daemon with
        {
            WaitsFor = () => Volatile.Read(ref missing),
            Health = Check() with
            {
                Forgiven = TimeSpan.Zero, LongestStart = TimeSpan.MaxValue, LongestAilment = patience,
                Wedged = () => Interlocked.Increment(ref wedged),
            },
        });
    }

    [Fact]
    public async Task One_that_is_told_to_start_again_is_not_well_until_another_process_is()
    {
        Say("works");
        await RunAsync("exec sleep 600", (_, _) => DaemonChange.None, async supervisor =>
        {
            await UntilAsync("it works", () => supervisor is { Status.Healthy: true, ProcessId: not null });
            for (var round = 0; round < 20; round++)
            {
                var before = supervisor.ProcessId;
                int? first = null;
                void Look(bool healthy, string text)
                {
                    if (healthy) first ??= supervisor.ProcessId ?? 0;
                }
                supervisor.StatusChanged += Look;
                Assert.True(supervisor.Restart("has a new certificate"));
                await UntilAsync("it works again", () => supervisor is { Status.Healthy: true, ProcessId: { } now } && now != before);
                supervisor.StatusChanged -= Look;
                Assert.NotEqual(before, first);
            }
        }, daemon => daemon with
        {
            Health = Check() with { Forgiven = TimeSpan.Zero, Pause = TimeSpan.FromMilliseconds(1) },
        });
    }

    [Fact]
    public async Task One_that_does_not_run_is_not_told_to_start_again()
    {
        DaemonSupervisor? ended = null;
        await RunAsync("exit 1", (_, _) => throw new IOException("the disk is full"), async supervisor =>
        {
            ended = supervisor;
            await UntilAsync("it cannot be started", () => supervisor.Status.Text == "cannot be prepared: the disk is full");
        });
        Assert.False(ended!.Restart());
    }

    [Fact]
    public async Task One_that_runs_again_by_itself_is_found_before_the_pause_is_over()
    {
        var unit = new UnitStandIn { FailingStarts = 5 };
        await RunAsync(unit, daemon => daemon, async supervisor =>
        {
            await UntilAsync("it runs", () => supervisor.Status.Healthy);
            // After five failures the pause is of 3.2 s: it is looked for each second, and again when it is brought up.
            Assert.Equal((5, 3), (unit.Starts, unit.Looks));
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_that_is_told_to_start_again_does_whatever_fails_meanwhile(bool inPlace)
    {
        var unit = new UnitStandIn { FailingStops = 1 };
        Say("works");
        await RunAsync(unit, daemon => daemon with { RestartsInPlace = inPlace, Health = Check() with { Forgiven = TimeSpan.Zero } },
            async supervisor =>
            {
                await UntilAsync("it works", () => supervisor.Status.Healthy);
                Assert.True(supervisor.Restart("has a new certificate"));
                await UntilAsync("it was started again", () => unit.Starts == 2);
                await UntilAsync("it works again", () => supervisor.Status.Healthy);
                Assert.Equal(inPlace ? 0 : 1, unit.Stops);
            });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_whose_answers_suffice_is_looked_at_only_while_it_does_not_answer(bool suffice)
    {
        var unit = new UnitStandIn();
        Say("works");
        await RunAsync(unit, daemon => daemon with { Health = Check() with { Forgiven = TimeSpan.Zero, AnswerSuffices = suffice } },
            async supervisor =>
            {
                await UntilAsync("it works", () => supervisor.Status.Healthy);
                await UntilAsync("it is looked at, or not", () => unit.IsSpared == suffice);
                Say("not ready");
                await UntilAsync("it ails", () => !supervisor.Status.Healthy);
                await UntilAsync("it is looked at", () => !unit.IsSpared);
            });
    }

    [Fact]
    public async Task One_that_systemd_started_again_while_it_answered_is_kept_and_never_said_to_have_ended()
    {
        var unit = new UnitStandIn();
        Say("works");
        var told = new List<(bool Healthy, string Text)>();
        await RunAsync(unit, daemon => daemon with { Health = Check() with { Forgiven = TimeSpan.Zero, AnswerSuffices = true } },
            async supervisor =>
            {
                await UntilAsync("it works", () => supervisor.Status.Healthy);
                supervisor.StatusChanged += (healthy, text) => { lock (told) told.Add((healthy, text)); };
                var looks = unit.Looks;
                await UntilAsync("it is replaced", unit.Replace);
                await UntilAsync("it was found again", () => unit.Looks > looks);
                await UntilAsync("it is watched again", unit.Replace);
                Assert.Equal(1, unit.Starts);
            });
        Assert.Equal(0, CountOf(told));
    }

    /// <summary>Asks often, by the file in which the daemon or the test says how it is.</summary>
    private HealthCheck Check() => new()
    {
        Pause = TimeSpan.FromMilliseconds(50), PauseWhileAiling = TimeSpan.FromMilliseconds(50),
        AskAsync = token =>
        {
            token.ThrowIfCancellationRequested();
            try { return Task.FromResult(File.ReadAllText($"{folder}/health").Trim() is var said && said == "works" ? null : said); }
            catch (FileNotFoundException) { return Task.FromResult<string?>("does not answer"); }
        },
    };

    private void Say(string words)
    {
        File.WriteAllText($"{folder}/new", words);
        File.Move($"{folder}/new", $"{folder}/health", overwrite: true);
    }

    private static Task RunAsync(string script, Func<bool, CancellationToken, DaemonChange> prepare, Func<DaemonSupervisor, Task> act,
        Func<Daemon, Daemon>? describe = null)
    {
        var daemon = new Daemon
        {
            Name = "sample", Unit = "sample", Package = "sample", Program = "/bin/sh", Arguments = ["-c", script],
            PrepareAsync = (runs, token) => Task.FromResult(prepare(runs, token)),
        };
        daemon = describe?.Invoke(daemon) ?? daemon;
        return RunAsync(daemon, DaemonHost.Children(NullLogger.Instance).Of(daemon), act);
    }

    private static Task RunAsync(UnitStandIn unit, Func<Daemon, Daemon> describe, Func<DaemonSupervisor, Task> act) =>
        RunAsync(describe(new Daemon
        {
            Name = "sample", Unit = "sample", Package = "sample", Program = "/bin/true", Arguments = [],
            PrepareAsync = (_, _) => Task.FromResult(DaemonChange.None),
        }), unit, act);

    private static async Task RunAsync(Daemon daemon, IDaemonProcess process, Func<DaemonSupervisor, Task> act)
    {
        var supervisor = new DaemonSupervisor(daemon, process, NullLogger.Instance);
        using var stop = new CancellationTokenSource();
        var running = supervisor.RunAsync(stop.Token);
        try { await act(supervisor); }
        finally
        {
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Patience));
        }
    }

    private static int CountOf<T>(List<T> told)
    {
        lock (told) return told.Count;
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

    /// <summary>A unit whose process is this test's: systemd starts it again by itself after some starts that failed.</summary>
    private sealed class UnitStandIn : IDaemonProcess
    {
        private volatile Func<bool> answers = () => false;
        private volatile bool runs;
        private volatile TaskCompletionSource? replaced;
        private volatile int starts, stops, looks;

        public int FailingStarts { get; init; }
        public int FailingStops { get; init; }
        public int Starts => starts;
        public int Stops => stops;

        /// <summary>How often it was looked for since it runs.</summary>
        public int Looks => looks;

        public bool IsSpared => answers();

        public Task<int?> FindAsync(CancellationToken cancellationToken)
        {
            if (runs) Interlocked.Increment(ref looks);
            return Task.FromResult(runs ? Environment.ProcessId : (int?)null);
        }

        public Task<int> StartAsync(CancellationToken cancellationToken)
        {
            runs = Interlocked.Increment(ref starts) >= FailingStarts;
            return starts > FailingStarts ? Task.FromResult(Environment.ProcessId) : throw new IOException("failed (failed, exit-code)");
        }

        public Task ReloadAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) =>
            Interlocked.Increment(ref stops) > FailingStops ? Task.CompletedTask : throw new IOException("systemd cannot be asked");

        public async Task<string?> EndAsync(int process, Func<bool> answers, CancellationToken cancellationToken)
        {
            this.answers = answers;
            var next = replaced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await next.Task.WaitAsync(cancellationToken);
            return null;
        }

        /// <summary>systemd has started it again while it answered.</summary>
        public bool Replace() => replaced?.TrySetResult() == true;

        public Task LeaveAsync() => Task.CompletedTask;
    }
}

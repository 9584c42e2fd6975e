using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Operos.Lab;

/// <summary>A real machine as far as software can tell: QEMU with real firmware, its console in a file, watched from power on.</summary>
public sealed class VirtualMachine : IDisposable
{
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(20);
    private readonly LabFolder folder;
    private readonly Func<DiskChanges, Process> powerOn;
    private readonly Lock power = new();
    private readonly CancellationTokenSource off = new();
    private readonly TaskCompletionSource<LabException> failure = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private DiskChanges disks = DiskChanges.None;
    private Process process;
    private Task<Qmp> connection;
    private volatile bool paused;

    private VirtualMachine(VirtualMachineOptions options, LabFolder folder, Func<DiskChanges, Process> powerOn, string commandLine)
    {
        (Options, this.folder, this.powerOn, CommandLine, paused) = (options, folder, powerOn, commandLine, options.StartsPaused);
        Console = new SerialLog(QemuCommandLine.SerialPath(options, folder), Ended);
        process = powerOn(disks);
        connection = ConnectAsync(process);
    }

    public VirtualMachineOptions Options { get; }

    /// <summary>Can be pasted into a shell.</summary>
    public string CommandLine { get; }
    public SerialLog Console { get; }

    /// <summary>Processor seconds of its QEMU so far; of one that started again, since then.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            lock (power)
            {
                process.Refresh();
                return process.HasExited ? TimeSpan.Zero : process.TotalProcessorTime;
            }
        }
    }

    /// <summary>
    /// Completes when the machine fails: it stands still without being asked to, its kernel panicked, QEMU ended. Never faults.
    /// </summary>
    public Task<LabException> Failure => failure.Task;

    /// <exception cref="LabException">QEMU did not start; with its own words.</exception>
    public static async Task<VirtualMachine> StartAsync(
        VirtualMachineOptions options, LabNetwork network, LabFolder folder, CancellationToken cancellationToken)
    {
        var arguments = await QemuCommandLine.MakeAsync(options, network, folder, cancellationToken).ConfigureAwait(false);
        File.Delete(QemuCommandLine.SerialPath(options, folder));
        string[] line = [.. (string[])(options.YieldsToController ? ["nice", "-n", "5"] : []), "qemu-system-x86_64", .. arguments];
        var command = string.Join(' ', network.Command(line[0], [.. line[1..], .. QemuCommandLine.DiskArguments(options, DiskChanges.None)])
            .Select(LabNetwork.Quote));
        await File.AppendAllTextAsync(folder[$"{options.Name}.command"], command + "\n", cancellationToken).ConfigureAwait(false);
        var machine = new VirtualMachine(options, folder, PowerOn, command);
        try { await machine.connection.WaitAsync(cancellationToken).ConfigureAwait(false); }
        catch (LabException e)
        {
            machine.Dispose();
            throw machine.Failed(e.Message);
        }
        catch
        {
            machine.Dispose();
            throw;
        }
        _ = machine.RunAsync();
        return machine;

        Process PowerOn(DiskChanges disks)
        {
            if (options.TpmState is not null) SoftwareTpm.Start(options, network, folder);
            return network.Start(line[0], [.. line[1..], .. QemuCommandLine.DiskArguments(options, disks)],
                folder[$"{options.Name}.qemu.log"]);
        }
    }

    /// <summary>Runs a command of QEMU's machine protocol.</summary>
    /// <exception cref="LabException">QEMU refused it, ended, or did not answer in time.</exception>
    public async Task<JsonElement> CommandAsync(string command, JsonObject? arguments, CancellationToken cancellationToken)
    {
        Task<Qmp> current;
        lock (power) current = connection;
        var qmp = await current.WaitAsync(cancellationToken).ConfigureAwait(false);
        return await qmp.ExecuteAsync(command, arguments, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets the guest stand still; without this, a guest that does has failed.</summary>
    public async Task PauseAsync(CancellationToken cancellationToken)
    {
        paused = true;
        await CommandAsync("stop", null, cancellationToken).ConfigureAwait(false);
    }

    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        await CommandAsync("cont", null, cancellationToken).ConfigureAwait(false);
        paused = false;
    }

    /// <summary>
    /// Leaves a disk out when the machine starts again. Until then its guest has it: whoever pulls it has the guest's kernel lose it, too.
    /// </summary>
    /// <param name="disk">One of its <see cref="VirtualMachineOptions.Disks"/>.</param>
    public void Withdraw(VirtualDisk disk)
    {
        lock (power) disks = disks with { Withdrawn = [.. disks.Withdrawn, disk] };
    }

    /// <summary>Puts a disk into the slot of a machine that runs (<see cref="VirtualMachineOptions.HasSlot"/>); there it stays.</summary>
    /// <param name="disk">A raw image; it is attached as virtio.</param>
    public async Task PlugAsync(VirtualDisk disk, CancellationToken cancellationToken)
    {
        var file = new JsonObject { ["driver"] = "file", ["filename"] = disk.File };
        await CommandAsync("blockdev-add", new JsonObject
        {
            ["driver"] = "raw", ["node-name"] = QemuCommandLine.Plugged, ["discard"] = "unmap", ["file"] = file,
            ["cache"] = new JsonObject { ["no-flush"] = true },
        }, cancellationToken).ConfigureAwait(false);
        await CommandAsync("device_add", new JsonObject
        {
            ["driver"] = "virtio-blk-pci", ["id"] = QemuCommandLine.Plugged, ["bus"] = QemuCommandLine.Slot,
            ["drive"] = QemuCommandLine.Plugged, ["serial"] = disk.Serial,
        }, cancellationToken).ConfigureAwait(false);
        lock (power) disks = disks with { Plugged = disk };
    }

    /// <summary>Pulls its network cables, or puts them back.</summary>
    public async Task CableAsync(bool isPlugged, CancellationToken cancellationToken)
    {
        for (var number = 0; number < Options.Nics.Count; number++)
            await CommandAsync("set_link", new JsonObject { ["name"] = QemuCommandLine.Nic(number), ["up"] = isPlugged }, cancellationToken)
                .ConfigureAwait(false);
    }

    /// <summary>Presses keys on its keyboard, by QEMU's names for them (QKeyCode).</summary>
    public async Task PressAsync(params string[] keys)
    {
        foreach (var key in keys)
        {
            var pressed = new JsonArray(new JsonObject { ["type"] = "qcode", ["data"] = key });
            await CommandAsync("send-key", new JsonObject { ["keys"] = pressed }, off.Token).ConfigureAwait(false);
            // The key is held for 100 ms; firmware polls.
            await Task.Delay(300).ConfigureAwait(false);
        }
    }

    /// <summary>Pulls the plug.</summary>
    public void Dispose()
    {
        Process last;
        lock (power)
        {
            if (off.IsCancellationRequested) return;
            off.Cancel();
            last = process;
        }
        last.Kill(entireProcessTree: true);
        last.WaitForExit(EndPatience);
    }

    /// <summary>The ends of the console and of QEMU's own log, and the command line, for a failure's message.</summary>
    public string Describe()
    {
        var log = folder[$"{Options.Name}.qemu.log"];
        var said = File.Exists(log) ? File.ReadAllText(log).Trim() : "";
        // The first lines say what happened, a dump of registers may follow.
        var words = said.Length > 0 ? $"{Options.Name}: QEMU says ({log})\n{string.Join('\n', said.Split('\n').Take(40))}\n" : "";
        var silence = File.Exists(Console.Path) ? $", silent for {Console.Silence.TotalSeconds:0} s" : "";
        return $"{Options.Name}: console {Console.Path}{silence}\n{Console.Tail(40)}\n{words}{Options.Name}: started by\n{CommandLine}";
    }

    private LabException Failed(string why) =>
        new($"{Options.Name}: {why}, {clock.Elapsed.TotalSeconds:0.0} s after power on\n{Describe()}");

    private LabException? Ended()
    {
        if (failure.Task.IsCompleted) return failure.Task.Result;
        return off.IsCancellationRequested ? new LabException($"{Options.Name} was switched off") : null;
    }

    /// <summary>
    /// A machine that starts again is a new QEMU: one that was reset keeps what it translated of the old kernel, and then each write over
    /// that memory is slow. A kernel's start was seen to take 160 s so, and takes 4 s. QEMU ends with 0 at a reset.
    /// </summary>
    private async Task RunAsync()
    {
        try
        {
            while (await UntilResetAsync().ConfigureAwait(false))
            {
                lock (power)
                {
                    if (off.IsCancellationRequested) return;
                    process = powerOn(disks);
                    connection = ConnectAsync(process);
                }
            }
        }
        catch (Exception) when (off.IsCancellationRequested) { /* it was switched off */ }
        catch (Exception e) { failure.TrySetResult(Failed(e is LabException ? e.Message : e.ToString())); }
    }

    /// <summary>Watches QEMU until it ends; whether because the guest was reset.</summary>
    private async Task<bool> UntilResetAsync()
    {
        await using var qmp = await connection.ConfigureAwait(false);
        var reason = await new GuestWatch(qmp, Console, Options.ExpectsPanic, () => paused).UntilEndAsync(off.Token).ConfigureAwait(false);
        try { await process.WaitForExitAsync(off.Token).WaitAsync(EndPatience).ConfigureAwait(false); }
        catch (TimeoutException) { throw new LabException($"QEMU closed its protocol and runs on {EndPatience.TotalSeconds:0} s later"); }
        if (process.ExitCode > 128) throw new LabException($"QEMU ended with {process.ExitCode}, by signal {process.ExitCode - 128}");
        if (process.ExitCode != 0) throw new LabException($"QEMU ended with {process.ExitCode}");
        return reason switch
        {
            null or "guest-reset" or "host-qmp-system-reset" => true,
            "host-qmp-quit" => throw new LabException("QEMU was told to quit"),
            "guest-shutdown" => throw new LabException("the guest switched itself off"),
            _ => throw new LabException($"QEMU ended: {reason}"),
        };
    }

    /// <summary>QEMU that ends before it answers has said why in its log.</summary>
    private async Task<Qmp> ConnectAsync(Process started)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(off.Token);
        var exit = started.WaitForExitAsync(ended.Token);
        var answer = Qmp.ConnectAsync(QemuCommandLine.QmpPath(Options, folder), ended.Token);
        await Task.WhenAny(exit, answer).ConfigureAwait(false);
        // QEMU listens before it has made its devices: one that ends then closes the connection first.
        if (answer.IsFaulted) await Task.WhenAny(exit, Task.Delay(EndPatience, off.Token)).ConfigureAwait(false);
        var over = exit.IsCompletedSuccessfully && !answer.IsCompletedSuccessfully;
        await ended.CancelAsync().ConfigureAwait(false);
        if (!over) return await answer.ConfigureAwait(false);
        off.Token.ThrowIfCancellationRequested();
        throw new LabException($"QEMU did not start: it ended with {started.ExitCode}");
    }
}

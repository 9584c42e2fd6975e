using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Operos.Hardware.Inventories;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>The real operos-worker on a client host, with an inventory and a state folder of its own.</summary>
internal sealed partial class Worker
{
    /// <summary>
    /// Longest time to do what takes a second on a quiet machine: a crowded one may leave a process waiting for half a minute.
    /// </summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(120);
    private const int SIGTERM = 15, SIGCONT = 18, SIGSTOP = 19;

    private readonly BootService service;
    private readonly ClientHost host;
    private readonly string name, control, authority;
    private readonly string? bus;
    private readonly bool yields;
    private readonly IReadOnlyList<string> disks;
    private Process process;

    private Worker(BootService service, string name, ClientHost? host, string? control, string? authority, string? bus, bool yields,
        IReadOnlyList<string> disks)
    {
        (this.service, this.name, this.host, this.bus, this.yields, this.disks) =
            (service, name, host ?? service.Client, bus, yields, disks);
        this.control = control ?? $"{NativeController.Address}:7443";
        this.authority = authority ?? service.Folder["setup/admin/ca.crt"];
        process = Launch();
    }

    public string Log => service.Folder[$"{name}.log"];
    public string StateFolder => service.Folder[$"{name}.state"];
    public bool IsRunning => !process.HasExited;

    /// <param name="name">Of its log and folder.</param>
    /// <param name="bus">The socket of its system bus; the host's if not given.</param>
    /// <param name="yields">
    /// One of many: machines of a rack have processors of their own, and do not starve their controller or other tests.
    /// </param>
    /// <param name="disks">Images that are its disks; none are if not given.</param>
    public static Worker Start(BootService service, string name, Inventory inventory, ClientHost? host = null, string? control = null,
        string? authority = null, string? bus = null, bool yields = false, IReadOnlyList<string>? disks = null)
    {
        File.WriteAllBytes(service.Folder[$"{name}.json"], inventory.ToJson());
        return new Worker(service, name, host, control, authority, bus, yields, disks ?? []);
    }

    /// <summary>A machine whose every part is its own.</summary>
    public static Inventory Machine(int number) => new()
    {
        System = new Identity { Vendor = "Acme", Product = "R1", Serial = $"SYS{number:d6}",
            Uuid = $"10000000-0000-4000-8000-{number:x12}" },
        Board = new Identity { Vendor = "Acme", Serial = $"BRD{number:d6}" },
        Nics = [new Nic { Name = "eth0", Mac = $"3c:ec:ef:00:{number >> 8 & 255:x2}:{number & 255:x2}" }],
        Disks = [new Disk { Name = "sda", Model = "SSD", Serial = $"DISK{number:d6}" }],
        MemoryModules = [new MemoryModule { Part = "M1", Serial = $"MEM{number:d6}" }],
    };

    /// <summary>Waits until its status file tells of the state; answers with the machine's id, empty while it has none.</summary>
    public async Task<string> ReachAsync(string state, TimeSpan? patience = null) =>
        await Wait.ForAsync($"{name} is {state}", patience ?? Soon,
            () => Task.FromResult(ReadStatus() is { } status && status.GetProperty("state").GetString() == state
            ? status.TryGetProperty("machine", out var id) ? id.GetString() : "" : null), Log, service.Controller.LogPath);

    /// <summary>Waits until the operator sees it up; answers with the machine's id.</summary>
    public async Task<string> BeUpAsync(TimeSpan? patience = null)
    {
        var id = await ReachAsync("enrolled", patience);
        await Wait.UntilAsync($"{name}, {id}, is up", patience ?? Soon, async () => await StateAsync(service, id) == "up", Log,
            service.Controller.LogPath);
        return id;
    }

    /// <summary>A machine's state in <c>operosctl machines</c>; null where it is not in the list.</summary>
    public static async Task<string?> StateAsync(BootService service, string id) =>
        (await service.Controller.WorkersAsync(default)).FirstOrDefault(machine => machine.Id == id)?.State;

    /// <summary>What its agent wrote last; null before its first word.</summary>
    public JsonElement? ReadStatus()
    {
        var path = Path.Combine(StateFolder, "status.json");
        if (!File.Exists(path)) return null;
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        return json.RootElement.Clone();
    }

    public async Task SaysAsync(string text, int times = 1, TimeSpan? patience = null) =>
        await Wait.UntilAsync($"{name} says '{text}' {times} times", patience ?? Soon,
            () => Task.FromResult(File.Exists(Log) && File.ReadLines(Log)
            .Count(line => line.Contains(text, StringComparison.Ordinal)) >= times), Log);

    /// <summary>SIGKILL, as a power cut would.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    /// <summary>It answers nobody until it goes on.</summary>
    public void Stop() => _ = kill(process.Id, SIGSTOP);

    public void Continue() => _ = kill(process.Id, SIGCONT);

    /// <summary>Starts it again with the same files.</summary>
    public void Restart() => process = Launch();

    /// <summary>SIGTERM, as systemd does; answers with exit code and time.</summary>
    public (int Code, TimeSpan Took) Terminate()
    {
        var clock = Stopwatch.StartNew();
        _ = kill(process.Id, SIGTERM);
        return process.WaitForExit(TimeSpan.FromSeconds(10))
            ? (process.ExitCode, clock.Elapsed) : throw new LabException($"{name} still runs 10 s after SIGTERM; see {Log}");
    }

    private Process Launch()
    {
        string[] line =
        [
            .. yields ? (string[])["nice", "-n", "19"] : [],
            .. bus is null ? (string[])[] : ["env", $"DBUS_SYSTEM_BUS_ADDRESS=unix:path={bus}"],
            new Build().Binary("operos-worker"), "run", "--control", control, "--ca", authority,
            "--inventory", service.Folder[$"{name}.json"], "--state-dir", StateFolder, "--no-apply",
            .. disks.SelectMany(image => (string[])["--disk", image]),
        ];
        return host.Start(line[0], line[1..], Log);
    }

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);
}

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Operos.Lab.Tests;

/// <summary>What goes wrong with a machine is told at once, whoever waits for it: real QEMU, real firmware with nothing to boot.</summary>
public sealed class VirtualMachineTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5), AtOnce = TimeSpan.FromSeconds(4);
    private static readonly VirtualMachineOptions Bare = new() { Name = "bare", MemoryMiB = 64 };

    [Fact]
    public async Task A_guest_that_stops_behind_the_labs_back_ends_who_waits_at_its_console()
    {
        using var rack = await MachineRack.CreateAsync();
        var machine = await rack.Machines.StartAsync(Bare, rack.Network, rack.Folder, default);
        await machine.CommandAsync("stop", null, default);
        var clock = Stopwatch.StartNew();
        var failure = await Assert.ThrowsAsync<LabException>(() => machine.Console.WaitForAsync("never shown", Long, default));
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, AtOnce);
        Assert.StartsWith("bare: the guest stands in state paused", failure.Message, StringComparison.Ordinal);
        Assert.Contains("qemu-system-x86_64", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("The console was waited for to show: never shown", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_the_lab_pauses_has_not_failed()
    {
        using var rack = await MachineRack.CreateAsync();
        var machine = await rack.Machines.StartAsync(Bare with { StartsPaused = true }, rack.Network, rack.Folder, default);
        await machine.ResumeAsync(default);
        await machine.PauseAsync(default);
        await Task.Delay(TimeSpan.FromSeconds(2.5));
        Assert.False(machine.Failure.IsCompleted);
        await machine.ResumeAsync(default);
        Assert.Equal("running", (await machine.CommandAsync("query-status", null, default)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task QEMU_that_is_killed_ends_what_is_done_with_its_group()
    {
        using var rack = await MachineRack.CreateAsync();
        await rack.Machines.StartAsync(Bare with { Name = "other" }, rack.Network, rack.Folder, default);
        var machine = await rack.Machines.StartAsync(Bare, rack.Network, rack.Folder, default);
        var clock = Stopwatch.StartNew();
        var failure = await Assert.ThrowsAsync<LabException>(() => rack.Machines.RunAsync(async limit =>
        {
            await rack.KillAsync(machine);
            await Task.Delay(Long, limit);
        }, default));
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, AtOnce);
        Assert.StartsWith("bare: QEMU ended with 137, by signal 9", failure.Message, StringComparison.Ordinal);
        Assert.StartsWith("other: console", rack.Machines.Describe(failure.Message), StringComparison.Ordinal);
        Assert.DoesNotContain("bare: console", rack.Machines.Describe(failure.Message), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kernel_that_panics_ends_who_waits_and_is_shown()
    {
        using var rack = await MachineRack.CreateAsync();
        var kernel = Path.Combine(new Build().Release, "vmlinuz");
        await File.WriteAllTextAsync(rack.Folder["empty"], "");
        // There is no root to mount.
        var machine = await rack.Machines.StartAsync(Bare with { MemoryMiB = 256, Kernel = new DirectKernel(kernel, rack.Folder["empty"], $"console=ttyS0,115200 {Build.GuestArguments}") }, rack.Network, rack.Folder, default);
        var failure = await Assert.ThrowsAsync<LabException>(() => machine.Console.WaitForAsync("never shown", Long, default));
        Assert.StartsWith("bare: the guest's kernel panicked", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Kernel panic - not syncing: VFS: Unable to mount root fs", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task QEMU_that_quits_is_a_failure_too()
    {
        using var rack = await MachineRack.CreateAsync();
        var machine = await rack.Machines.StartAsync(Bare, rack.Network, rack.Folder, default);
        await machine.CommandAsync("quit", null, default);
        Assert.StartsWith("bare: QEMU was told to quit", (await machine.Failure.WaitAsync(AtOnce)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task QEMU_that_does_not_start_says_why()
    {
        using var rack = await MachineRack.CreateAsync();
        var failure = await Assert.ThrowsAsync<LabException>(() => rack.Machines.StartAsync(Bare with { Nics = [new VirtualNic("52:54:00:aa:00:02", Model: "no-such-card")] }, rack.Network, rack.Folder, default));
        Assert.StartsWith("bare: QEMU did not start: it ended with 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("'no-such-card' is not a valid device model name", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_restarts_is_a_new_QEMU_and_no_failure()
    {
        using var rack = await MachineRack.CreateAsync();
        var machine = await rack.Machines.StartAsync(Bare, rack.Network, rack.Folder, default);
        var before = await rack.ProcessAsync(machine);
        await machine.CommandAsync("system_reset", null, default);
        for (var clock = Stopwatch.StartNew(); await rack.ProcessAsync(machine) is var now && (now is null || now == before); await Task.Delay(50)) Assert.InRange(clock.Elapsed, TimeSpan.Zero, AtOnce);
        Assert.Equal("running", (await machine.CommandAsync("query-status", null, default)).GetProperty("status").GetString());
        Assert.False(machine.Failure.IsCompleted);
    }

    [Fact]
    public async Task A_command_that_QEMU_refuses_is_told_by_class_and_description()
    {
        using var rack = await MachineRack.CreateAsync();
        var machine = await rack.Machines.StartAsync(Bare, rack.Network, rack.Folder, default);
        var failure = await Assert.ThrowsAsync<LabException>(() => machine.CommandAsync("device_del", new JsonObject { ["id"] = "none" }, default));
        Assert.Equal("QMP device_del: DeviceNotFound: Device 'none' not found", failure.Message);
        // The connection lives on.
        Assert.True((await machine.CommandAsync("query-version", null, default)).TryGetProperty("qemu", out _));
    }
}

/// <summary>A folder, a switch and the machines on it; all gone with it.</summary>
internal sealed class MachineRack(LabFolder folder, LabNetwork network) : IDisposable
{
    public LabFolder Folder => folder;
    public LabNetwork Network => network;
    public MachineGroup Machines { get; } = new();

    public static async Task<MachineRack> CreateAsync([CallerMemberName] string name = "")
    {
        var folder = LabFolder.Create(Path.Combine(Build.FindRoot(), "out/test"), name);
        try { return new MachineRack(folder, await LabNetwork.CreateAsync(folder, null, default)); }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>The id of the machine's QEMU, as the host counts; null while there is none.</summary>
    public async Task<int?> ProcessAsync(VirtualMachine machine)
    {
        var name = $"\0-name\0{machine.Options.Name}\0";
        var found = (await Shell.RunAsync("ip", ["netns", "pids", network.Name], default)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(id => { try { return File.ReadAllText($"/proc/{id}/cmdline").Contains(name, StringComparison.Ordinal); } catch (IOException) { return false; } }).ToList();
        return found.Count > 0 ? int.Parse(found[0], System.Globalization.CultureInfo.InvariantCulture) : null;
    }

    public async Task KillAsync(VirtualMachine machine)
    {
        using var process = Process.GetProcessById((await ProcessAsync(machine))!.Value);
        process.Kill();
    }

    public void Dispose()
    {
        Machines.Dispose();
        folder.Dispose();
    }
}

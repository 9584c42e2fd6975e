using System.Diagnostics;
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
        var machine = await rack.StartAsync(Bare);
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
        var machine = await rack.StartAsync(Bare with { StartsPaused = true });
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
        await rack.StartAsync(Bare with { Name = "other" });
        var machine = await rack.StartAsync(Bare);
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
        var rootless = new DirectKernel(kernel, rack.Folder["empty"], $"console=ttyS0,115200 {Build.GuestArguments}");
        var machine = await rack.StartAsync(Bare with { MemoryMiB = 256, Kernel = rootless });
        // One that does not even start shall not cost the stage's whole time.
        var wait = machine.Console.WaitForAsync("never shown", TimeSpan.FromSeconds(90), default);
        var failure = await Assert.ThrowsAsync<LabException>(() => wait);
        Assert.StartsWith("bare: the guest's kernel panicked", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Kernel panic - not syncing: VFS: Unable to mount root fs", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task QEMU_that_quits_is_a_failure_too()
    {
        using var rack = await MachineRack.CreateAsync();
        var machine = await rack.StartAsync(Bare);
        await machine.CommandAsync("quit", null, default);
        Assert.StartsWith("bare: QEMU was told to quit", (await machine.Failure.WaitAsync(AtOnce)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_that_is_switched_off_ends_who_waits_and_has_not_failed()
    {
        using var rack = await MachineRack.CreateAsync();
        var machine = await rack.StartAsync(Bare);
        var waiting = machine.Console.WaitForAsync("never shown", Long, default);
        machine.Dispose();
        var told = await Assert.ThrowsAsync<LabException>(() => waiting.WaitAsync(AtOnce));
        Assert.StartsWith("bare was switched off", told.Message, StringComparison.Ordinal);
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        Assert.False(machine.Failure.IsCompleted);
    }

    [Fact]
    public async Task What_cannot_be_called_off_is_not_waited_for()
    {
        using var rack = await MachineRack.CreateAsync();
        var machine = await rack.StartAsync(Bare);
        await machine.CommandAsync("stop", null, default);
        var deaf = rack.Machines.RunAsync(_ => Task.Delay(Long, CancellationToken.None), default);
        var failure = await Assert.ThrowsAsync<LabException>(() => deaf.WaitAsync(TimeSpan.FromSeconds(15)));
        Assert.StartsWith("bare: the guest stands in state paused", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task QEMU_that_does_not_start_says_why()
    {
        using var rack = await MachineRack.CreateAsync();
        var strange = Bare with { Nics = [new VirtualNic("52:54:00:aa:00:02", Model: "no-such-card")] };
        var failure = await Assert.ThrowsAsync<LabException>(() => rack.StartAsync(strange));
        Assert.StartsWith("bare: QEMU did not start: it ended with 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("'no-such-card' is not a valid device model name", failure.Message, StringComparison.Ordinal);
        Assert.Same(failure, await rack.Machines.Failure.WaitAsync(AtOnce));
    }

    [Fact]
    public async Task A_guest_that_restarts_is_a_new_QEMU_and_no_failure()
    {
        using var rack = await MachineRack.CreateAsync();
        var machine = await rack.StartAsync(Bare);
        var before = await rack.ProcessAsync(machine);
        await machine.CommandAsync("system_reset", null, default);
        var clock = Stopwatch.StartNew();
        while (await rack.ProcessAsync(machine) is var now && (now is null || now == before))
        {
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, AtOnce);
            await Task.Delay(50);
        }
        Assert.Equal("running", (await machine.CommandAsync("query-status", null, default)).GetProperty("status").GetString());
        Assert.False(machine.Failure.IsCompleted);
    }

    [Fact]
    public async Task A_command_that_QEMU_refuses_is_told_by_class_and_description()
    {
        using var rack = await MachineRack.CreateAsync();
        var machine = await rack.StartAsync(Bare);
        var none = new JsonObject { ["id"] = "none" };
        var failure = await Assert.ThrowsAsync<LabException>(() => machine.CommandAsync("device_del", none, default));
        Assert.Equal("QMP device_del: DeviceNotFound: Device 'none' not found", failure.Message);
        // The connection lives on.
        Assert.True((await machine.CommandAsync("query-version", null, default)).TryGetProperty("qemu", out _));
    }
}

using System.Runtime.CompilerServices;
using Operos.Lab;
using Operos.Linux.Units;

namespace Operos.Node.Tests;

/// <summary>A machine's real systemd and logind, told to reboot it as its agent does. (The whole way: <c>PowerScenarios</c>.)</summary>
public sealed class RebootTests
{
    private const string Bus = "/run/dbus/system_bus_socket";
    private const int BootsAnew = 133;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_reboot_lets_those_get_ready_who_asked_for_it_as_a_kubelet_does()
    {
        using var folder = Folder();
        using var machine = await StartAsync(folder);
        using var systemd = Connect(machine, Bus);
        // Who ends pods holds a lock that delays a shutdown, and gives it back when they have ended.
        await machine.RunAsync("systemd-run", ["--unit=pods", "systemd-inhibit", "--what=shutdown", "--mode=delay", "sleep", "infinity"],
            default);
        await Wait.UntilAsync("the lock is held", Patience, async () => await PropertyAsync(machine, "NCurrentInhibitors") != "t 0",
            machine.ConsolePath);
        Assert.Null(await systemd.OrderRebootAsync(default));
        Assert.Equal("b true", await PropertyAsync(machine, "PreparingForShutdown"));
        // Asked for again it is the same reboot, and cuts nobody short.
        Assert.Null(await systemd.OrderRebootAsync(default));
        Assert.Equal("b true", await PropertyAsync(machine, "PreparingForShutdown"));
        await machine.RunAsync("systemctl", ["kill", "--signal=KILL", "pods.service"], default, check: false);
        Assert.Equal(BootsAnew, await EndAsync(machine));
    }

    [Fact]
    public async Task A_machine_without_a_bus_reboots_in_order_all_the_same_and_it_is_told_why()
    {
        using var folder = Folder();
        using var machine = await StartAsync(folder);
        using var systemd = Connect(machine, "/run/no-bus");
        var problem = await systemd.OrderRebootAsync(default);
        Assert.StartsWith("the system bus cannot be reached", problem, StringComparison.Ordinal);
        Assert.Equal(BootsAnew, await EndAsync(machine));
        // Services were stopped: nothing was cut off.
        Assert.Contains("reboot.target", await File.ReadAllTextAsync(machine.ConsolePath), StringComparison.Ordinal);
    }

    private static LabFolder Folder([CallerMemberName] string name = "") =>
        LabFolder.Create(Path.Combine(new Build().Out, "test"), "node-" + name);

    private static async Task<NativeMachine> StartAsync(LabFolder folder)
    {
        var machine = await NativeMachine.StartAloneAsync(new Build(), folder, default);
        try
        {
            // One that is still starting has no bus for a moment.
            await new Wait("the machine is up", Patience) { LooksAgain = true, Logs = [machine.ConsolePath] }.UntilAsync(async () =>
            {
                using var systemd = Connect(machine, Bus);
                try { return await systemd.ReadSystemStateAsync(default) is "running" or "degraded"; }
                catch (IOException e) { throw new LabException(e.Message); }
            });
            return machine;
        }
        catch
        {
            machine.Dispose();
            throw;
        }
    }

    private static Systemd Connect(NativeMachine machine, string bus) => new($"unix:path={machine.PathOf(bus)}", machine.ProcessId);

    private static async Task<string> PropertyAsync(NativeMachine machine, string name) => (await machine.RunAsync("busctl",
        ["get-property", "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager", name], default)).Trim();

    private static async Task<int> EndAsync(NativeMachine machine)
    {
        using var patience = new CancellationTokenSource(Patience);
        try { return await machine.EndAsync(patience.Token); }
        catch (OperationCanceledException)
        {
            throw new LabException($"the machine runs {Patience.TotalSeconds:0} s after it was told to reboot; see {machine.ConsolePath}");
        }
    }
}

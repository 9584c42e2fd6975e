namespace Operos.Lab.Tests;

/// <summary>Real guests under what this host has for KVM, and under what no QEMU has.</summary>
public sealed class KvmProbeTests
{
    [Fact]
    public async Task The_verdict_is_what_a_UEFI_guest_under_KVM_finds()
    {
        var verdict = await KvmProbe.RunAsync(Accelerator.Kvm, default);
        using var rack = await MachineRack.CreateAsync();
        var machine = await Started(rack);
        // Its boot manager finds nothing to boot, and says so on the console.
        var seen = machine is null ? "no start" : await Task.WhenAny(machine.Failure, machine.Console.WaitForAsync("BdsDxe", TimeSpan.FromSeconds(30), default)) == machine.Failure ? "failure" : "firmware";
        Assert.Equal(verdict!.Works, seen == "firmware");
        Assert.NotEmpty(verdict.Reason);
        Assert.DoesNotContain('\n', verdict.Line);

        static async Task<VirtualMachine?> Started(MachineRack rack)
        {
            try { return await rack.Machines.StartAsync(new VirtualMachineOptions { Name = "uefi", Firmware = Firmware.Uefi, Accelerator = Accelerator.Kvm }, rack.Network, rack.Folder, default); }
            catch (LabException) { return null; }
        }
    }

    /// <summary>Else KVM would never be used, and nobody would notice: what the probe waits for is what our kernel and PID 1 write.</summary>
    [Fact]
    public async Task Where_guests_run_firmware_kernel_and_PID_1_are_seen()
    {
        var verdict = await KvmProbe.RunAsync(Accelerator.Translation, default, slower: 10);
        Assert.True(verdict!.Works, verdict.Reason);
    }

    [Fact]
    public async Task QEMU_without_KVM_says_so_itself()
    {
        var verdict = await KvmProbe.RunAsync("none-such", default);
        Assert.False(verdict!.Works);
        Assert.Matches(@"^features: QEMU did not start: it ended with 1, [0-9.]+ s after power on \(qemu-system-x86_64: -accel none-such: invalid accelerator none-such\)$", verdict.Reason);
    }
}

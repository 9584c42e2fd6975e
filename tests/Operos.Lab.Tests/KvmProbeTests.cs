namespace Operos.Lab.Tests;

/// <summary>Real guests under what this host has for KVM, and under what no QEMU has.</summary>
public sealed class KvmProbeTests
{
    [Fact]
    public async Task The_verdict_is_what_a_UEFI_guest_under_KVM_finds()
    {
        var verdict = await KvmProbe.RunAsync(Accelerator.Kvm, default);
        using var rack = await MachineRack.CreateAsync();
        Assert.Equal(verdict!.Works, await BootsAsync());
        Assert.NotEmpty(verdict.Reason);
        Assert.DoesNotContain('\n', verdict.Line);

        async Task<bool> BootsAsync()
        {
            try
            {
                var machine = await rack.StartAsync(new VirtualMachineOptions
                    { Name = "uefi", Firmware = Firmware.Uefi, Accelerator = Accelerator.Kvm });
                // Its boot manager finds nothing to boot, and says so.
                await machine.Console.WaitForAsync("BdsDxe", TimeSpan.FromSeconds(30), default);
                return true;
            }
            catch (LabException) { return false; }
        }
    }

    /// <summary>Else KVM would never be used, and nobody would notice.</summary>
    [Fact]
    public async Task Where_guests_run_firmware_kernel_and_PID_1_are_seen()
    {
        var verdict = await KvmProbe.RunAsync(Accelerator.Translation, default, slower: 5);
        Assert.True(verdict!.Works, verdict.Reason);
    }

    [Fact]
    public async Task QEMU_without_KVM_says_so_itself()
    {
        var verdict = await KvmProbe.RunAsync("none-such", default);
        Assert.False(verdict!.Works);
        Assert.StartsWith("features: QEMU did not start: it ended with 1, ", verdict.Reason, StringComparison.Ordinal);
        Assert.EndsWith(" (qemu-system-x86_64: -accel none-such: invalid accelerator none-such)", verdict.Reason, StringComparison.Ordinal);
    }
}

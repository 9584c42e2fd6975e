using System.Diagnostics;

namespace Operos.Lab;

/// <summary>Boots under KVM what the lab boots, and watches it: that the device opens, and that some code runs, proves nothing.</summary>
internal static class KvmProbe
{
    /// <summary>PID 1's first words: firmware, the kernel's decompressor and user space have run.</summary>
    private const string KernelStarts = "Linux version", InitStarts = "operos-init: .* init:";

    /// <summary>Many times what each takes where KVM works, little where it hangs.</summary>
    private static readonly TimeSpan FirmwarePatience = TimeSpan.FromSeconds(20), InitPatience = TimeSpan.FromSeconds(30);

    /// <summary>The verdict; null where there is no kernel of ours to try.</summary>
    /// <param name="slower">How many times as long as KVM takes <paramref name="accelerator"/> may.</param>
    public static async Task<Verdict?> RunAsync(string accelerator, CancellationToken cancellationToken, int slower = 1)
    {
        if (Build.FindRelease(Build.FindRoot()) is not { } release) return null;
        var longest = 2 * slower * (FirmwarePatience + InitPatience);
        Console.WriteLine($"{accelerator.Split(',')[0]}: trying firmware and kernel under it, {longest.TotalSeconds:0} s at most");
        var parent = Path.Combine(Path.GetTempPath(), "operos-kvm");
        var folder = LabFolder.Create(parent, Path.GetRandomFileName());
        try { return await TryAsync(accelerator, slower, release, folder, cancellationToken).ConfigureAwait(false); }
        finally
        {
            folder.Dispose();
            Directory.Delete(folder.Path, recursive: true);
        }
    }

    private static async Task<Verdict> TryAsync(
        string accelerator, int slower, string release, LabFolder folder, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var network = await LabNetwork.CreateAsync(folder, null, cancellationToken).ConfigureAwait(false);
        var guest = new VirtualMachineOptions { Name = "features", Accelerator = accelerator, MemoryMiB = 512 };
        var kernel = new DirectKernel(Path.Combine(release, "vmlinuz"), Path.Combine(release, "initramfs.img"),
            $"console=ttyS0,115200 earlyprintk=ttyS0,115200 {Build.GuestArguments}");
        var trial = guest;
        try
        {
            // QEMU itself tells what a processor of 2008 has and this host's KVM has not.
            trial = guest with { Processor = "Nehalem,enforce", StartsPaused = true };
            using (await VirtualMachine.StartAsync(trial, network, folder, cancellationToken).ConfigureAwait(false)) { }
            // UEFI first: it runs more of what a KVM that lies cannot.
            foreach (var firmware in (Firmware[])[Firmware.Uefi, Firmware.Bios])
            {
                trial = guest with { Name = firmware.ToString().ToLowerInvariant(), Firmware = firmware, Kernel = kernel };
                using var machine = await VirtualMachine.StartAsync(trial, network, folder, cancellationToken).ConfigureAwait(false);
                await machine.Console.WaitForAsync(KernelStarts, slower * FirmwarePatience, cancellationToken).ConfigureAwait(false);
                await machine.Console.WaitForAsync(InitStarts, slower * InitPatience, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (LabException e) { return new Verdict(false, Reason(trial, e, folder)); }
        return new Verdict(true, $"firmware and kernel ran under it in {clock.Elapsed.TotalSeconds:0.0} s");
    }

    /// <summary>In one line what failed, the first that QEMU itself said, and the last that the guest did.</summary>
    private static string Reason(VirtualMachineOptions trial, LabException failure, LabFolder folder)
    {
        var log = folder[$"{trial.Name}.qemu.log"];
        var said = File.Exists(log) ? File.ReadLines(log).FirstOrDefault(line => line.Length > 0) : null;
        var console = new SerialLog(QemuCommandLine.SerialPath(trial, folder), () => null).Text;
        var shown = console.Split('\n').LastOrDefault(text => text.Trim().Length > 0) ?? "";
        // One line for a terminal, whatever a guest wrote.
        var last = string.Concat(shown.Where(c => c is >= ' ' and <= '~').Take(120));
        var failed = failure.Message.Split('\n')[0];
        if (!failed.StartsWith(trial.Name, StringComparison.Ordinal)) failed = $"{trial.Name}: {failed}";
        return failed + (said is null ? "" : $" ({said})") + (last.Length == 0 ? "" : $"; its console ends: {last}");
    }
}

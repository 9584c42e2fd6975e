using System.ComponentModel;

namespace Operos.Lab;

/// <summary>What a verdict on KVM holds for: this boot of this kernel on this processor, and this QEMU.</summary>
internal sealed record HostIdentity(string BootId, string Kernel, string Qemu, string Processor)
{
    /// <exception cref="LabException">QEMU is not installed.</exception>
    public static async Task<HostIdentity> ReadAsync(CancellationToken cancellationToken)
    {
        string version;
        try { version = await Shell.RunAsync("qemu-system-x86_64", ["--version"], cancellationToken).ConfigureAwait(false); }
        catch (Win32Exception e) { throw new LabException($"qemu-system-x86_64: {e.Message}\n  next: make deps"); }
        var processor = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        return new HostIdentity(
            BootId: Line("/proc/sys/kernel/random/boot_id"), Kernel: Line("/proc/sys/kernel/osrelease"),
            Qemu: version.Split('\n')[0].Trim(), Processor: processor?.Split(':')[^1].Trim() ?? "unknown");

        static string Line(string path) => File.ReadAllText(path).Trim();
    }
}

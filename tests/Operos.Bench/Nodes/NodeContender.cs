using Operos.Lab;

namespace Operos.Bench.Nodes;

/// <summary>A way for the same machine to become a node.</summary>
/// <param name="Enters">What its console shows once it has entered the cluster.</param>
/// <param name="Disk">What it boots from; null for the network.</param>
internal sealed record NodeContender(string Name, string Mac, string Enters, string? Disk = null)
{
    public const string KernelStarts = @"\] Linux version ";

    /// <summary>An initramfs with a systemd of its own greets too, by another name.</summary>
    public const string SystemStarts = @"Welcome to [^\n]*\(trixie\)!";

    /// <summary>
    /// A rack's link. An emulated machine is slower than it; one under KVM would fetch as fast as the host copies memory.
    /// </summary>
    private const string LinkRate = "1gbit";

    public static NodeContender Worker() => new("worker", "52:54:00:bb:00:11", "operos-worker: enrolled as [0-9a-f-]{36}");

    public static NodeContender Kubeadm(string disk) => new("kubeadm", "52:54:00:bb:00:12", "This node has joined the cluster", disk);

    public VirtualMachineOptions Machine(int round) => new()
    {
        Name = $"{Name}-{round}", Firmware = Firmware.Uefi, Cpus = 2, MemoryMiB = 2048, Uuid = "5d0f8a44-3333-4c1c-9d6b-2f3d5a7b9c10",
        Nics = [new VirtualNic(Mac, Rate: LinkRate)],
        Disks = Disk is null ? [] : [new VirtualDisk("KUBEADM", Disk)], BootsFromDisk = Disk is not null,
    };
}

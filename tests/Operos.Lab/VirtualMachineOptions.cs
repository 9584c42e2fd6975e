namespace Operos.Lab;

public enum Firmware { Bios, Uefi, SecureBoot }

/// <summary>A network card of a virtual machine.</summary>
/// <param name="Rate">How fast the switch sends to it, as tc(8) writes it, such as <c>1gbit</c>; null for as fast as it can.</param>
public sealed record VirtualNic(string Mac, bool Cabled = true, string Model = "virtio-net-pci", string? Rate = null);

/// <summary>How a disk is attached.</summary>
public enum DiskBus { Virtio, Sata, Nvme }

/// <summary>A disk of a virtual machine.</summary>
/// <param name="File">Its image: qcow2 by that ending, else raw.</param>
public sealed record VirtualDisk(string Serial, string File, DiskBus Bus = DiskBus.Virtio)
{
    /// <summary>A new one without a byte on it.</summary>
    public static VirtualDisk Blank(LabFolder folder, string serial, long bytes, DiskBus bus = DiskBus.Virtio)
    {
        var path = folder[$"{serial.ToLowerInvariant()}.img"];
        using var file = System.IO.File.Create(path);
        file.SetLength(bytes);
        return new(serial, path, bus);
    }
}

/// <summary>A kernel that the machine starts at once, with no boot loader in between.</summary>
public sealed record DirectKernel(string Kernel, string Initramfs, string CommandLine);

/// <summary>What a virtual machine is made of.</summary>
public sealed record VirtualMachineOptions
{
    public required string Name { get; init; }
    public Firmware Firmware { get; init; } = Firmware.Bios;
    /// <summary>In QEMU's words; null for what <see cref="Lab.Accelerator"/> chooses.</summary>
    public string? Accelerator { get; init; }
    /// <summary>
    /// In QEMU's words. All that QEMU has, but what costs an emulated kernel at each system call or page and none of our programs asks for:
    /// page tables of five levels, and the guards of its own accesses to users' memory.
    /// </summary>
    public string Processor { get; init; } = "max,-la57,-smap,-smep,-umip,-pku";
    public int MemoryMiB { get; init; } = 1024;
    public int Cpus { get; init; } = 1;
    public IReadOnlyList<VirtualNic> Nics { get; init; } = [];
    public IReadOnlyList<VirtualDisk> Disks { get; init; } = [];
    /// <summary>Whether there is an empty slot, for <see cref="VirtualMachine.PlugAsync"/>.</summary>
    public bool HasSlot { get; init; }
    public string? Uuid { get; init; }
    public bool BootsFromDisk { get; init; }
    public DirectKernel? Kernel { get; init; }
    /// <summary>Leaves PXE to nobody: the firmware then tries HTTP (edk2, OvmfPkg: opt/org.tianocore/IPv4PXESupport).</summary>
    public bool HttpBootOnly { get; init; }
    /// <summary>A software TPM 2.0 (swtpm) whose seed lives in this folder; null for none.</summary>
    public string? TpmState { get; init; }
    /// <summary>
    /// In a rack each machine has processors of its own; here an emulated controller shares them with those that it serves, and must not
    /// starve while they boot.
    /// </summary>
    public bool YieldsToController { get; init; }
    /// <summary>Its kernel is meant to panic: that is no failure of the machine then.</summary>
    public bool ExpectsPanic { get; init; }
    /// <summary>Stands still after power on until <see cref="VirtualMachine.ResumeAsync"/>.</summary>
    public bool StartsPaused { get; init; }
}

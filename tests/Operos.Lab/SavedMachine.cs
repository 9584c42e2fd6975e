namespace Operos.Lab;

/// <summary>
/// A machine as it was at one moment: its memory, its disks, its firmware's variables and what QEMU knows of its devices. Copies start from
/// it and never write to it.
/// </summary>
/// <param name="Options">What it is made of; the files of its disks belong to it from now on.</param>
/// <param name="Memory">Mapped copy-on-write by each copy.</param>
/// <param name="Devices">QEMU's migration stream, without the memory.</param>
/// <param name="Variables">The firmware's variables; null where it has none.</param>
public sealed record SavedMachine(VirtualMachineOptions Options, MemoryFile Memory, string Devices, string? Variables) : IDisposable
{
    /// <summary>What a copy is made of: overlays over the disks in a folder of its own.</summary>
    /// <param name="folder">The copy's.</param>
    /// <param name="savable">It is to be saved in its turn, and so gets a memory of its own, not one that is mapped copy-on-write.</param>
    public async Task<VirtualMachineOptions> CopyAsync(LabFolder folder, bool savable, CancellationToken cancellationToken)
    {
        var disks = new List<VirtualDisk>();
        foreach (var disk in Options.Disks)
        {
            var overlay = folder[$"{Options.Name}-{disks.Count}.qcow2"];
            string[] over = ["-F", QemuCommandLine.DiskFormat(disk.File), "-b", Path.GetFullPath(disk.File)];
            await Shell.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", .. over, overlay], cancellationToken).ConfigureAwait(false);
            disks.Add(disk with { File = overlay });
        }
        if (Variables is not null) File.Copy(Variables, QemuCommandLine.VariablesPath(Options, folder));
        var memory = savable ? await Memory.CopyAsync(folder.Path, cancellationToken).ConfigureAwait(false) : null;
        return Options with { Disks = disks, Wakes = this, Memory = memory };
    }

    public void Dispose() => Memory.Dispose();
}

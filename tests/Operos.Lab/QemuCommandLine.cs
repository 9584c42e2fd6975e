using System.Globalization;

namespace Operos.Lab;

/// <summary>What a virtual machine's options are in QEMU's words.</summary>
internal static class QemuCommandLine
{
    /// <summary>The empty slot, whose bus has its name, and so none of a port's properties; and the disk in it.</summary>
    public const string Slot = "bay", Plugged = "plugged";

    /// <summary>QEMU's arguments; makes the machine's ports of the switch and its firmware's variables.</summary>
    public static async Task<List<string>> MakeAsync(
        VirtualMachineOptions options, LabNetwork network, LabFolder folder, CancellationToken cancellationToken)
    {
        var accelerator = options.Accelerator ?? await Accelerator.ChooseAsync(cancellationToken).ConfigureAwait(false);
        // ERMS promises a kernel that copying byte by byte is fast, and emulated it is not.
        var processor = accelerator == Accelerator.Kvm ? options.Processor : $"{options.Processor},-erms";
        var arguments = new List<string>
        {
            "-name", options.Name, "-machine", $"q35{(options.Firmware == Firmware.SecureBoot ? ",smm=on" : "")}",
            "-accel", accelerator, "-cpu", processor, "-smp", Number(options.Cpus), "-m", Number(options.MemoryMiB),
            // Firmware that found nothing to boot tries again, as servers do.
            "-boot", "reboot-timeout=10000",
            // A panic is told, and the kernel goes on to do about it what it would on real hardware.
            "-action", "reboot=shutdown,panic=none", "-nodefaults", "-no-user-config", "-display", "none", "-vga", "std",
            "-chardev", $"file,id=console,path={SerialPath(options, folder)},append=on", "-serial", "chardev:console",
            "-device", "virtio-rng-pci", "-device", "pvpanic",
            "-qmp", $"unix:{QmpPath(options, folder)},server=on,wait=off",
        };
        if (options.StartsPaused) arguments.Add("-S");
        if (options.Uuid is not null) arguments.AddRange(["-uuid", options.Uuid]);
        if (options.Kernel is { } kernel)
            arguments.AddRange(["-kernel", kernel.Kernel, "-initrd", kernel.Initramfs, "-append", kernel.CommandLine]);
        arguments.AddRange(FirmwareArguments(options, folder));
        if (options.TpmState is not null)
            arguments.AddRange(["-chardev", $"socket,id=tpm,path={SoftwareTpm.SocketPath(options, folder)}",
                "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0"]);
        for (var i = 0; i < options.Nics.Count; i++)
        {
            var tap = await network.AddTapAsync(options.Nics[i], cancellationToken).ConfigureAwait(false);
            var order = options.BootsFromDisk ? "" : $",bootindex={10 + i}";
            arguments.AddRange(["-netdev", $"tap,id=net{i},ifname={tap},script=no,downscript=no",
                "-device", $"{options.Nics[i].Model},netdev=net{i},mac={options.Nics[i].Mac},id={Nic(i)}{Rom(options)}{order}"]);
        }
        if (options.HasSlot) arguments.AddRange(["-device", $"pcie-root-port,id={Slot},chassis=1,slot=1"]);
        return arguments;
    }

    /// <summary>The arguments of a machine's disks, each in its own place.</summary>
    public static List<string> DiskArguments(VirtualMachineOptions options, DiskChanges changes)
    {
        var arguments = new List<string>();
        for (var i = 0; i < options.Disks.Count; i++)
        {
            var disk = options.Disks[i];
            if (changes.Withdrawn.Contains(disk)) continue;
            var device = disk.Bus switch
            {
                DiskBus.Nvme => "nvme",
                // The board's own controller has six ports.
                DiskBus.Sata => $"ide-hd,bus=ide.{options.Disks.Take(i).Count(other => other.Bus == DiskBus.Sata)}",
                _ => "virtio-blk-pci",
            };
            arguments.AddRange(["-drive", Drive($"disk{i}", disk), "-device",
                $"{device},drive=disk{i},serial={disk.Serial}{(options.BootsFromDisk ? $",bootindex={i + 1}" : "")}"]);
        }
        if (changes.Plugged is { } plugged)
            arguments.AddRange(["-drive", Drive(Plugged, plugged), "-device",
                $"virtio-blk-pci,bus={Slot},drive={Plugged},serial={plugged.Serial}"]);
        return arguments;

        static string Drive(string id, VirtualDisk disk) =>
            $"file={disk.File},if=none,id={id},format={DiskFormat(disk.File)},cache=unsafe,discard=unmap";
    }

    /// <summary>QEMU's name of a network card.</summary>
    public static string Nic(int number) => $"nic{number}";

    public static string DiskFormat(string file) => file.EndsWith(".qcow2", StringComparison.Ordinal) ? "qcow2" : "raw";

    public static string VariablesPath(VirtualMachineOptions options, LabFolder folder) => folder[$"{options.Name}.vars.fd"];

    public static string QmpPath(VirtualMachineOptions options, LabFolder folder) => folder.SocketPath($"{options.Name}.qmp");

    public static string SerialPath(VirtualMachineOptions options, LabFolder folder) => folder[$"{options.Name}.serial.log"];

    private static IEnumerable<string> FirmwareArguments(VirtualMachineOptions options, LabFolder folder)
    {
        if (options.Firmware == Firmware.Bios) return [];
        var secure = options.Firmware == Firmware.SecureBoot;
        var variables = VariablesPath(options, folder);
        if (!File.Exists(variables)) File.Copy($"/usr/share/OVMF/{(secure ? "OVMF_VARS_4M.ms.fd" : "OVMF_VARS_4M.fd")}", variables);
        List<string> arguments =
        [
            "-drive", $"if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M{(secure ? ".secboot" : "")}.fd",
            "-drive", $"if=pflash,unit=1,format=raw,file={variables}",
        ];
        if (secure) arguments.AddRange(["-global", "driver=cfi.pflash01,property=secure,value=on"]);
        if (options.HttpBootOnly)
            foreach (var version in (int[])[4, 6])
                arguments.AddRange(["-fw_cfg", $"name=opt/org.tianocore/IPv{version}PXESupport,string=no"]);
        return arguments;
    }

    /// <summary>
    /// A UEFI machine uses the firmware's network stack, as servers do: QEMU's option ROM would put an old iPXE in its place.
    /// </summary>
    private static string Rom(VirtualMachineOptions options) =>
        options is { Firmware: Firmware.Bios, BootsFromDisk: false, Kernel: null } ? "" : ",romfile=";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}

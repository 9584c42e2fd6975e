using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Operos.Lab;

public enum Firmware { Bios, Uefi, SecureBoot }

/// <summary>A network card of a virtual machine.</summary>
/// <param name="Rate">How fast the switch sends to it, as tc(8) writes it, such as <c>1gbit</c>; null for as fast as it can.</param>
public sealed record VirtualNic(string Mac, bool Cabled = true, string Model = "virtio-net-pci", string? Rate = null);

/// <summary>A kernel that the machine starts at once, with no boot loader in between.</summary>
public sealed record DirectKernel(string Kernel, string Initramfs, string CommandLine);

/// <summary>What a virtual machine is made of.</summary>
public sealed record VirtualMachineOptions
{
    public required string Name { get; init; }
    public Firmware Firmware { get; init; } = Firmware.Bios;
    public int MemoryMiB { get; init; } = 1024;
    public int Cpus { get; init; } = 1;
    public IReadOnlyList<VirtualNic> Nics { get; init; } = [];
    /// <summary>Serial number and image file of each disk.</summary>
    public IReadOnlyList<(string Serial, string File)> Disks { get; init; } = [];
    public string? Uuid { get; init; }
    public bool BootsFromDisk { get; init; }
    public DirectKernel? Kernel { get; init; }
    /// <summary>Leaves PXE to nobody: the firmware then tries HTTP (edk2, OvmfPkg: opt/org.tianocore/IPv4PXESupport).</summary>
    public bool HttpBootOnly { get; init; }
    /// <summary>A software TPM 2.0 (swtpm) whose seed lives in this folder; null for none.</summary>
    public string? TpmState { get; init; }
    /// <summary>In a rack each machine has processors of its own; here an emulated controller shares them with those that it serves, and must not starve while they boot.</summary>
    public bool YieldsToController { get; init; }
}

/// <summary>A real machine as far as software can tell: QEMU with real firmware, its console in a file.</summary>
public sealed class VirtualMachine : IDisposable
{
    private readonly LabFolder folder;
    private readonly Func<Process> powerOn;
    private readonly Lock power = new();
    private Process process;
    private bool off, broken;

    private VirtualMachine(VirtualMachineOptions options, LabFolder folder, Func<Process> powerOn, string commandLine)
    {
        (Options, this.folder, this.powerOn, CommandLine) = (options, folder, powerOn, commandLine);
        Console = new SerialLog(SerialPath(options, folder), () => off || broken);
        lock (power) process = Watched(powerOn());
    }

    public VirtualMachineOptions Options { get; }

    /// <summary>Can be pasted into a shell.</summary>
    public string CommandLine { get; }
    public SerialLog Console { get; }

    public static async Task<VirtualMachine> StartAsync(VirtualMachineOptions options, LabNetwork network, LabFolder folder, CancellationToken cancellationToken)
    {
        var arguments = new List<string>
        {
            "-name", options.Name, "-machine", $"q35{(options.Firmware == Firmware.SecureBoot ? ",smm=on" : "")}",
            "-accel", await Accelerator.ChooseAsync(cancellationToken).ConfigureAwait(false), "-cpu", "max",
            "-smp", Number(options.Cpus), "-m", Number(options.MemoryMiB),
            // Firmware that found nothing to boot tries again, as servers do.
            "-boot", "reboot-timeout=10000", "-action", "reboot=shutdown", "-nodefaults", "-no-user-config", "-display", "none", "-vga", "std",
            "-chardev", $"file,id=console,path={SerialPath(options, folder)},append=on", "-serial", "chardev:console", "-device", "virtio-rng-pci", "-monitor", $"unix:{MonitorPath(options, folder)},server=on,wait=off",
        };
        if (options.Uuid is not null) arguments.AddRange(["-uuid", options.Uuid]);
        if (options.Kernel is { } kernel) arguments.AddRange(["-kernel", kernel.Kernel, "-initrd", kernel.Initramfs, "-append", kernel.CommandLine]);
        arguments.AddRange(FirmwareArguments(options, folder));
        if (options.TpmState is not null) arguments.AddRange(["-chardev", $"socket,id=tpm,path={TpmPath(options, folder)}", "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0"]);
        for (var i = 0; i < options.Nics.Count; i++)
        {
            var tap = await network.AddTapAsync(options.Nics[i], cancellationToken).ConfigureAwait(false);
            arguments.AddRange(["-netdev", $"tap,id=net{i},ifname={tap},script=no,downscript=no",
                "-device", $"{options.Nics[i].Model},netdev=net{i},mac={options.Nics[i].Mac},id=nic{i}{Rom(options)}{(options.BootsFromDisk ? "" : $",bootindex={10 + i}")}"]);
        }
        for (var i = 0; i < options.Disks.Count; i++)
            arguments.AddRange(["-drive", $"file={options.Disks[i].File},if=none,id=disk{i},format={(options.Disks[i].File.EndsWith(".qcow2", StringComparison.Ordinal) ? "qcow2" : "raw")},cache=unsafe,discard=unmap",
                "-device", $"virtio-blk-pci,drive=disk{i},serial={options.Disks[i].Serial}{(options.BootsFromDisk ? $",bootindex={i + 1}" : "")}"]);
        File.Delete(SerialPath(options, folder));
        string[] line = [.. (string[])(options.YieldsToController ? ["nice", "-n", "5"] : []), "qemu-system-x86_64", .. arguments];
        var command = string.Join(' ', network.Command(line[0], line[1..]).Select(LabNetwork.Quote));
        await File.AppendAllTextAsync(folder[$"{options.Name}.command"], command + "\n", cancellationToken).ConfigureAwait(false);
        return new VirtualMachine(options, folder, PowerOn, command);

        Process PowerOn()
        {
            if (options.TpmState is not null) StartTpm(options, network, folder);
            return network.Start(line[0], line[1..], folder[$"{options.Name}.qemu.log"]);
        }
    }

    /// <summary>
    /// A machine that starts again is a new QEMU: one that was reset keeps what it translated of the old kernel, and then each write over that
    /// memory is slow. A kernel's start was seen to take 160 s so, and takes 4 s. QEMU ends with 0 at a reset; nothing here switches itself off.
    /// </summary>
    private Process Watched(Process started)
    {
        started.Exited += (_, _) =>
        {
            lock (power)
            {
                if (off) return;
                if (started.ExitCode != 0) { broken = true; return; }
                started.Dispose();
                try { process = Watched(powerOn()); }
                catch (LabException e)
                {
                    // Nobody waits for this thread: thrown on, it would end the whole run.
                    broken = true;
                    File.AppendAllText(folder[$"{Options.Name}.qemu.log"], e.Message + "\n");
                }
            }
        };
        started.EnableRaisingEvents = true;
        return started;
    }

    /// <summary>Presses keys on its keyboard, by QEMU's names for them (sendkey of the QEMU monitor).</summary>
    public async Task PressAsync(params string[] keys)
    {
        using var monitor = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await monitor.ConnectAsync(new UnixDomainSocketEndPoint(MonitorPath(Options, folder))).ConfigureAwait(false);
        foreach (var key in keys)
        {
            await monitor.SendAsync(System.Text.Encoding.ASCII.GetBytes($"sendkey {key}\n")).ConfigureAwait(false);
            // The key is held for 100 ms; firmware polls.
            await Task.Delay(300).ConfigureAwait(false);
        }
    }

    /// <summary>Pulls the plug.</summary>
    public void Dispose()
    {
        Process last;
        lock (power)
        {
            if (off) return;
            off = true;
            last = process;
        }
        last.Kill(entireProcessTree: true);
        last.WaitForExit();
        last.Dispose();
    }

    /// <summary>The command line and the end of the console, for a failure's message.</summary>
    public string Describe() => $"{Options.Name}: console {Console.Path}\n{Console.Tail(40)}\n{Options.Name}: started by\n{CommandLine}";

    private static IEnumerable<string> FirmwareArguments(VirtualMachineOptions options, LabFolder folder)
    {
        if (options.Firmware == Firmware.Bios) return [];
        var secure = options.Firmware == Firmware.SecureBoot;
        var variables = folder[$"{options.Name}.vars.fd"];
        if (!File.Exists(variables)) File.Copy(secure ? "/usr/share/OVMF/OVMF_VARS_4M.ms.fd" : "/usr/share/OVMF/OVMF_VARS_4M.fd", variables);
        List<string> arguments =
        [
            "-drive", $"if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/{(secure ? "OVMF_CODE_4M.secboot.fd" : "OVMF_CODE_4M.fd")}",
            "-drive", $"if=pflash,unit=1,format=raw,file={variables}",
        ];
        if (secure) arguments.AddRange(["-global", "driver=cfi.pflash01,property=secure,value=on"]);
        if (options.HttpBootOnly) arguments.AddRange(["-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=no", "-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=no"]);
        return arguments;
    }

    /// <summary>A UEFI machine uses the firmware's own network stack, as servers do: QEMU's option ROM would put an old iPXE in its place.</summary>
    private static string Rom(VirtualMachineOptions options) => options is { Firmware: Firmware.Bios, BootsFromDisk: false, Kernel: null } ? "" : ",romfile=";

    /// <summary>swtpm ends when QEMU does.</summary>
    private static void StartTpm(VirtualMachineOptions options, LabNetwork network, LabFolder folder)
    {
        Directory.CreateDirectory(options.TpmState!);
        // One that was killed leaves its socket.
        File.Delete(TpmPath(options, folder));
        network.Start("swtpm", ["socket", "--tpm2", "--terminate", "--tpmstate", $"dir={options.TpmState}", "--ctrl", $"type=unixio,path={TpmPath(options, folder)}"], folder[$"{options.Name}.tpm.log"]);
        for (var attempt = 0; !File.Exists(TpmPath(options, folder)); attempt++)
        {
            if (attempt > 100) throw new LabException($"swtpm did not start: {folder[$"{options.Name}.tpm.log"]}");
            Thread.Sleep(50);
        }
    }

    private static string TpmPath(VirtualMachineOptions options, LabFolder folder) => folder.SocketPath($"{options.Name}.tpm");

    private static string MonitorPath(VirtualMachineOptions options, LabFolder folder) => folder.SocketPath($"{options.Name}.monitor");

    private static string SerialPath(VirtualMachineOptions options, LabFolder folder) => folder[$"{options.Name}.serial.log"];

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}

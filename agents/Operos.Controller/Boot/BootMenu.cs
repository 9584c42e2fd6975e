using System.Text;
using Operos.Controller.Configuration;

namespace Operos.Controller.Boot;

/// <summary>What a powered-on machine is shown for a few seconds, for PXELINUX and for GRUB, from one list of entries.</summary>
internal sealed class BootMenu(ControllerSettings settings, ReleaseStore store)
{
    /// <summary>
    /// A kernel, or a first process, that cannot go on starts its machine again: nobody stands at its console, and systemd by itself stands
    /// still for ever (systemd(1), systemd.crash_action). The controller's own entry says the same (images/disk.sh).
    /// </summary>
    private static readonly string[] Recovery = ["oops=panic", "panic=10", "systemd.crash_action=reboot"];

    private const string Named = "console=";

    /// <summary>
    /// In seconds: a boot loader that could not load what it should starts its machine again after this. The images' lpxelinux has it as
    /// its default too, for DHCP servers that are not ours.
    /// </summary>
    public const int LoaderRestart = 20;

    private sealed record Entry(string Id, string Title, string Version);

    /// <summary>pxelinux.cfg/default: kernel and initramfs over HTTP, which lpxelinux can (SYSLINUX documentation, PXELINUX).</summary>
    public string Pxelinux()
    {
        var menu = new StringBuilder();
        // Before all else (SYSLINUX documentation, SERIAL); 0x013: it waits for CTS.
        if (Console is { } serial) menu.Append(null, $"SERIAL {serial.Port} {serial.Speed}{(serial.FlowControl ? " 0x013" : "")}\n");
        menu.Append("DEFAULT boot\nPROMPT 0\n")
            .Append(null, $"TIMEOUT {Math.Max(1, settings.MenuSeconds * 10)}\nUI menu.c32\nMENU TITLE Operos\n");
        foreach (var entry in Entries())
        {
            var files = $"{settings.BootUrl}/releases/{entry.Version}";
            // SYSAPPEND 3: the address as ip=, the NIC as BOOTIF=.
            menu.Append(null,
                $"LABEL {entry.Id}\n  MENU LABEL {entry.Title}\n  KERNEL {files}/vmlinuz\n"
                + $"  INITRD {files}/initramfs.img,{settings.BootUrl}/boot/anchor.cpio\n"
                + $"  APPEND {string.Join(' ', Arguments(entry))}\n  SYSAPPEND 3\n");
        }
        menu.Append(null,
            $"LABEL memtest\n  MENU LABEL Memory test\n  LINUX memtest86+x64.bin\n  APPEND {MemoryTestConsole}\nLABEL local\n"
            + $"  MENU LABEL Local disk\n  LOCALBOOT 0\n");
        return menu.ToString();
    }

    /// <summary>grub.cfg: the same for UEFI machines; GRUB says which NIC by net_default_mac.</summary>
    public string Grub()
    {
        var server = $"(http,{settings.Address}:{settings.HttpPort})";
        var menu = new StringBuilder();
        if (Console is { } serial)
            menu.Append(null, $"serial --unit={serial.Port} --speed={serial.Speed}{(serial.FlowControl ? " --rtscts=on" : "")}\n")
                .Append("terminal_input console serial\nterminal_output console serial\n");
        menu.Append("set pager=0\nset default=boot\n").Append(null, $"set timeout={settings.MenuSeconds}\n");
        foreach (var entry in Entries())
        {
            var files = $"{server}/releases/{entry.Version}";
            menu.Append(null, $"menuentry '{entry.Title}' --id {entry.Id} {{\n  echo 'Fetching release {entry.Version} ...'\n");
            // A GRUB whose entry failed waits for a key, for ever.
            menu.Append(null,
                $"  if linux {files}/vmlinuz {string.Join(' ', Arguments(entry).Select(GrubScript.Word))} BOOTIF=$net_default_mac; then\n"
                + $"    if initrd {files}/initramfs.img {server}/boot/anchor.cpio; then boot; fi\n  fi\n");
            menu.Append(null,
                $"  echo 'Release {entry.Version} could not be loaded; this machine begins again in {LoaderRestart} s.'\n"
                + $"  sleep --interruptible {LoaderRestart}\n  reboot\n}}\n");
        }
        // The shim verifies what is chained to: with Secure Boot on, firmware that does not know the memory test's signature refuses it.
        menu.Append(null,
            $"menuentry 'Memory test' --id memtest {{\n  chainloader {server}/boot/memtest86+x64.efi {MemoryTestConsole}\n}}\n"
            + $"menuentry 'Local disk' --id local {{\n  exit\n}}\n");
        return menu.ToString();
    }

    private IEnumerable<Entry> Entries()
    {
        if (store.Current is { } current) yield return new Entry("boot", $"Operos {current.Manifest.Version}", current.Manifest.Version);
        if (store.Previous is { } previous)
            yield return new Entry("previous", $"Previous release {previous.Manifest.Version}", previous.Manifest.Version);
    }

    /// <summary>
    /// The serial port that the menus are on: the kernel's first that a boot loader can use. None where workers have none: what floats on
    /// a port that nobody uses would be taken for keys.
    /// </summary>
    private SerialConsole? Console =>
        settings.Consoles.Select(console => Named + console).Concat(KernelArguments.Split(settings.KernelArguments))
            .Select(word => word.StartsWith(Named, StringComparison.Ordinal) ? SerialConsole.Parse(word[Named.Length..]) : null)
            .FirstOrDefault(console => console?.FitsLoaders == true);

    /// <summary>The memory test shows itself on a serial port too, where machines have one for a console; it knows one port.</summary>
    private string MemoryTestConsole => Console is { } serial ? $"{Named}ttyS{serial.Port},{serial.Speed}" : "";

    private IReadOnlyList<string> Arguments(Entry entry) =>
    [
        "operos.kind=worker", $"operos.release={entry.Version}", $"operos.server={settings.BootUrl}",
        $"operos.control={settings.Address}:{settings.ControlPort}", .. Recovery,
        .. settings.Consoles.Select(console => Named + console), .. KernelArguments.Split(settings.KernelArguments),
    ];
}

using System.Text;
using Operos.Controller.Boot;
using Operos.Controller.Configuration;

namespace Operos.Controller.Dhcp;

/// <summary>
/// dnsmasq's configuration for each mode (dnsmasq(8)). Which loader a machine gets is chosen by DHCP option 93 (RFC 4578, 2.1).
/// </summary>
internal static class DnsmasqConfiguration
{
    /// <summary>
    /// A frame of 1500 bytes holds a TFTP block of 1468: larger blocks would be fragmented, which many a firmware cannot join.
    /// </summary>
    private const int TftpMtu = 1500;

    /// <summary>The tag of a 32-bit UEFI, which no loader here fits.</summary>
    public const string Efi32 = "efi32";

    public static string Write(ControllerSettings settings, string tftpRoot, string leaseFile)
    {
        var text = new StringBuilder($"""
            # Written by operos-controller: changes here are lost. See /etc/operos/controller.toml.
            port=0
            listen-address={settings.Address}
            bind-interfaces
            no-ping
            enable-tftp
            tftp-root={tftpRoot}
            tftp-mtu={TftpMtu}
            tftp-max=1000

            """);
        if (settings.DhcpMode == DhcpMode.Off) return text.ToString();
        text.Append("log-dhcp\n");
        // 7 and 9 are UEFI x64 by different authors of firmware; 16 is the same over HTTP; 6 is a 32-bit UEFI.
        text.Append("dhcp-match=set:efi64,option:client-arch,7\ndhcp-match=set:efi64,option:client-arch,9\n"
            + "dhcp-match=set:efihttp,option:client-arch,16\n").Append(null, $"dhcp-match=set:{Efi32},option:client-arch,6\n");
        if (settings.DhcpMode == DhcpMode.Full) Full(text, settings, leaseFile);
        else Proxy(text, settings);
        return text.ToString();
    }

    private static void Full(StringBuilder text, ControllerSettings settings, string leaseFile)
    {
        text.Append(null,
            $"dhcp-authoritative\ndhcp-leasefile={leaseFile}\n"
            + $"dhcp-range={settings.RangeStart},{settings.RangeEnd},{Mask(settings)},{(int)settings.Lease.TotalSeconds}\n");
        // An empty option is not sent: without it dnsmasq would offer itself.
        text.Append(null, $"dhcp-option=option:router{(settings.Gateway is null ? "" : $",{settings.Gateway}")}\n");
        text.Append(null, $"dhcp-option=option:dns-server{string.Concat(settings.Dns.Select(server => $",{server}"))}\n");
        // The firmware asks with the vendor class HTTPClient and takes no offer without it (UEFI specification 2.10, 24.7.3.1).
        // One that lists PXE beside HTTP gets PXE.
        text.Append(null,
            $"dhcp-boot=tag:efihttp,tag:!efi64,{settings.BootUrl}/boot/efi/shimx64.efi\n"
            + $"dhcp-option-force=tag:efihttp,tag:!efi64,60,HTTPClient\n");
        text.Append("dhcp-boot=tag:efi64,shimx64.efi\ndhcp-boot=tag:!efi64,tag:!efihttp,tag:!efi32,lpxelinux.0\n");
        // Options 209 and 211 (RFC 5071): its menu by name, where it would ask for a dozen other names first; forced, since firmware does
        // not ask for them.
        text.Append(null,
            $"dhcp-option-force=tag:!efi64,tag:!efihttp,tag:!efi32,209,pxelinux.cfg/default\n"
            + $"dhcp-option-force=tag:!efi64,tag:!efihttp,tag:!efi32,211,{BootMenu.LoaderRestart}i\n");
    }

    private static void Proxy(StringBuilder text, ControllerSettings settings)
    {
        text.Append(null, $"dhcp-range={settings.Network.BaseAddress},proxy,{Mask(settings)}\n");
        // Some firmware takes the loader from this offer and some asks again on port 4011: both get it.
        text.Append("dhcp-boot=tag:efi64,shimx64.efi\ndhcp-boot=tag:!efi64,tag:!efihttp,tag:!efi32,lpxelinux.0\n");
        text.Append("pxe-service=x86PC,\"Operos\",lpxelinux.0\npxe-service=BC_EFI,\"Operos\",shimx64.efi\n"
            + "pxe-service=X86-64_EFI,\"Operos\",shimx64.efi\n");
    }

    private static string Mask(ControllerSettings settings)
    {
        var mask = uint.MaxValue << (32 - settings.Network.PrefixLength);
        return $"{mask >> 24}.{(mask >> 16) & 255}.{(mask >> 8) & 255}.{mask & 255}";
    }
}

using System.Numerics;
using System.Text;
using Operos.Controller.Boot;
using Operos.Controller.Configuration;
using static Operos.Controller.Dhcp.FirmwareTypes;

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

    /// <param name="leases">How many leases the file has.</param>
    public static string Write(ControllerSettings settings, string tftpRoot, string leaseFile, int leases)
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
        Firmware(text);
        if (settings.DhcpMode == DhcpMode.Full) Full(text, settings, leaseFile, leases);
        else Proxy(text, settings);
        return text.ToString();
    }

    /// <summary>
    /// Which loader fits a machine. One that tells no firmware, or in one byte, gets BIOS's, as does one that lists BIOS. One that tells of
    /// firmware that no loader fits gets none: in a wrong one it would hang, and not try its next boot device.
    /// </summary>
    private static void Firmware(StringBuilder text)
    {
        // Whatever it is, of two bytes at least.
        text.Append(null, $"dhcp-match=set:{Tag},option:client-arch,*:*\n");
        foreach (var type in FirmwareTypes.Names.Keys) text.Append(null, $"dhcp-match=set:{Tag}{type},option:client-arch,{type}\n");
        text.Append(null, $"tag-if=set:{Bios},tag:!{Tag}\n");
        foreach (var (type, loader) in Loaders) text.Append(null, $"tag-if=set:{loader},tag:{Tag}{type}\n");
        text.Append(null, $"tag-if=set:{Unbootable},tag:!{Bios},tag:!{Efi64},tag:!{EfiHttp}\n");
    }

    /// <summary>
    /// As many as the range has addresses; dnsmasq's own 1,000 would refuse the next machine. It does not start at all with more of them
    /// in its file, as after the range became smaller, so then it may keep those: in steps, since a changed file starts it again.
    /// </summary>
    private static uint LeaseMax(ControllerSettings settings, int leases) =>
        leases <= settings.RangeSize ? (uint)settings.RangeSize : BitOperations.RoundUpToPowerOf2((uint)(leases + settings.RangeSize));

    private static void Full(StringBuilder text, ControllerSettings settings, string leaseFile, int leases)
    {
        text.Append(null,
            $"dhcp-authoritative\ndhcp-leasefile={leaseFile}\ndhcp-lease-max={LeaseMax(settings, leases)}\n"
            + $"dhcp-range={settings.RangeStart},{settings.RangeEnd},{Mask(settings)},{(int)settings.Lease.TotalSeconds}\n");
        // An empty option is not sent: without it dnsmasq would offer itself.
        text.Append(null, $"dhcp-option=option:router{(settings.Gateway is null ? "" : $",{settings.Gateway}")}\n");
        text.Append(null, $"dhcp-option=option:dns-server{string.Concat(settings.Dns.Select(server => $",{server}"))}\n");
        // The firmware asks with the vendor class HTTPClient and takes no offer without it (UEFI specification 2.10, 24.7.3.1).
        // One that lists PXE beside HTTP gets PXE.
        text.Append(null,
            $"dhcp-boot=tag:{EfiHttp},tag:!{Efi64},{settings.BootUrl}/boot/efi/shimx64.efi\n"
            + $"dhcp-option-force=tag:{EfiHttp},tag:!{Efi64},60,HTTPClient\n");
        Loader(text);
        // Options 209 and 211 (RFC 5071): its menu by name, where it would ask for a dozen other names first; forced, since firmware does
        // not ask for them.
        text.Append(null,
            $"dhcp-option-force={BiosAlone},209,pxelinux.cfg/default\n"
            + $"dhcp-option-force={BiosAlone},211,{BootMenu.LoaderRestart}i\n");
    }

    private static void Proxy(StringBuilder text, ControllerSettings settings)
    {
        text.Append(null, $"dhcp-range={settings.Network.BaseAddress},proxy,{Mask(settings)}\n");
        // Some firmware takes the loader from this offer and some asks again on port 4011: both get it.
        Loader(text);
        text.Append("pxe-service=x86PC,\"Operos\",lpxelinux.0\npxe-service=BC_EFI,\"Operos\",shimx64.efi\n"
            + "pxe-service=X86-64_EFI,\"Operos\",shimx64.efi\n");
    }

    private const string BiosAlone = $"tag:{Bios},tag:!{Efi64},tag:!{EfiHttp}";

    private static void Loader(StringBuilder text) =>
        text.Append(null, $"dhcp-boot=tag:{Efi64},shimx64.efi\ndhcp-boot={BiosAlone},lpxelinux.0\n");

    private static string Mask(ControllerSettings settings)
    {
        var mask = uint.MaxValue << (32 - settings.Network.PrefixLength);
        return $"{mask >> 24}.{(mask >> 16) & 255}.{(mask >> 8) & 255}.{mask & 255}";
    }
}

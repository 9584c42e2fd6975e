namespace Operos.Controller.Dhcp;

/// <summary>
/// A machine's firmware as DHCP option 93 tells it (RFC 4578, 2.1; IANA, "Processor Architecture Types"): which boot loaders fit it, and
/// what it is called.
/// </summary>
internal static class FirmwareTypes
{
    /// <summary>What dnsmasq tags a machine with by the loader that fits it; or, where it told its firmware, that none does.</summary>
    public const string Bios = "bios", Efi64 = "efi64", EfiHttp = "efihttp", Unbootable = "unbootable";

    /// <summary>dnsmasq tags a machine with this and the number of its firmware, of those in <see cref="Names"/>.</summary>
    public const string Tag = "arch";

    public const int Efi32 = 6;

    /// <summary>7 and 9 are UEFI x64 by different authors of firmware; 16 is the same over HTTP.</summary>
    public static readonly IReadOnlyList<(int Type, string Loader)> Loaders = [(0, Bios), (7, Efi64), (9, Efi64), (16, EfiHttp)];

    public static readonly IReadOnlyDictionary<int, string> Names = new Dictionary<int, string>
    {
        [0] = "BIOS", [1] = "NEC PC-98", [2] = "Itanium EFI", [3] = "DEC Alpha", [4] = "ARC x86", [5] = "Intel Lean Client",
        [Efi32] = "32-bit UEFI", [7] = "64-bit UEFI", [8] = "XScale EFI", [9] = "64-bit UEFI", [10] = "32-bit ARM UEFI",
        [11] = "64-bit ARM UEFI", [12] = "PowerPC Open Firmware", [13] = "PowerPC ePAPR", [14] = "POWER OPAL",
        [15] = "32-bit UEFI over HTTP", [16] = "64-bit UEFI over HTTP", [17] = "EFI byte code over HTTP",
        [18] = "32-bit ARM UEFI over HTTP", [19] = "64-bit ARM UEFI over HTTP", [20] = "BIOS over HTTP", [21] = "32-bit ARM U-Boot",
        [22] = "64-bit ARM U-Boot", [23] = "32-bit ARM U-Boot over HTTP", [24] = "64-bit ARM U-Boot over HTTP",
        [25] = "32-bit RISC-V UEFI", [26] = "32-bit RISC-V UEFI over HTTP", [27] = "64-bit RISC-V UEFI",
        [28] = "64-bit RISC-V UEFI over HTTP", [29] = "128-bit RISC-V UEFI", [30] = "128-bit RISC-V UEFI over HTTP",
        [31] = "s390 basic boot", [32] = "s390 extended boot", [33] = "32-bit MIPS UEFI", [34] = "64-bit MIPS UEFI",
        [35] = "32-bit Sunway UEFI", [36] = "64-bit Sunway UEFI", [37] = "32-bit LoongArch UEFI",
        [38] = "32-bit LoongArch UEFI over HTTP", [39] = "64-bit LoongArch UEFI", [40] = "64-bit LoongArch UEFI over HTTP",
        [41] = "ARM rpiboot",
    };

    /// <summary>Why a machine of this firmware gets no loader, and what its owner can do.</summary>
    /// <param name="type">Null where <see cref="Names"/> has none for what it told.</param>
    public static string WhyNot(int? type)
    {
        var name = type is { } known ? Names[known] : "a kind of firmware that is not known here (DHCP option 93)";
        var next = type is Efi32 or 15 or 20 ? "set its firmware to BIOS (legacy) boot"
            : "workers are x86-64 machines with BIOS or 64-bit UEFI";
        return $"asks to boot by {name}, for which there is no loader: {next}";
    }
}

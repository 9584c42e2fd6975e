namespace Operos.Hardware.Fingerprint;

/// <summary>What vendors write where nobody filled in a value. It identifies nothing.</summary>
internal static class Placeholders
{
    private static readonly HashSet<string> Words = new(StringComparer.OrdinalIgnoreCase)
    {
        "to be filled by o.e.m.", "to be filled by o.e.m", "to be filled by oem", "default string", "system serial number",
        "system product name",
        "system manufacturer", "base board serial number", "board serial number", "chassis serial number", "serial number", "serialnumber",
        "serial",
        "none", "not specified", "not applicable", "not available", "not present", "n/a", "na", "null", "unknown", "undefined",
        "unspecified", "empty",
        "o.e.m.", "oem", "oem serial", "invalid", "default", "asset", "no asset tag", "no dimm", "no module", "sernum0", "sernum1",
        "sernum2", "sernum3",
        "serialnum0", "type2 - board serial number", "chassis manufacture", "0123456789", "123456789", "1234567890", "1234567", "12345678",
        "0123456789abcdef",
        "qemu", "bochs", "vmware", "standard", "test", "sample", "x", ".",
        // UUIDs that boards ship with by the thousand.
        "03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009", "fefefefe-fefe-fefe-fefe-fefefefefefe",
        "12345678-1234-5678-90ab-cddeefaabbcc", "12345678-1234-1234-1234-123456789abc", "00000000-0000-0000-0000-ac1f6b000000",
    };

    private static readonly string[] Invented = ["sernum", "serial", "number", "filled", "default", "o.e.m"];

    /// <summary>So many digits that each follow on the one before, as in 123456.</summary>
    private const int CountedUp = 6;

    /// <summary>The value in the one form that is compared, or null where it identifies nothing.</summary>
    public static string? Usable(string? value)
    {
        var text = value?.Trim().ToLowerInvariant();
        if (text is null || text.Length < 3 || Words.Contains(text)) return null;
        // 0000, FFFF-FFFF, ....: one character over and over, whatever stands between.
        var letters = text.Where(char.IsAsciiLetterOrDigit).Distinct().Count();
        return letters < 2 ? null : text;
    }

    /// <summary>
    /// A serial in no list that was hardly given to one part alone: counted up, or made of the words that stand where a serial should.
    /// </summary>
    public static bool IsSuspect(string? serial)
    {
        if (serial is null) return false;
        if (Invented.Any(word => serial.Contains(word, StringComparison.OrdinalIgnoreCase))) return true;
        for (var (run, i) = (1, 1); i < serial.Length; i++)
        {
            run = char.IsAsciiDigit(serial[i]) && serial[i] == serial[i - 1] + 1 ? run + 1 : 1;
            if (run >= CountedUp) return true;
        }
        return false;
    }

    /// <summary>A hardware address that one card alone can have.</summary>
    public static string? UsableMac(string? mac)
    {
        var text = Usable(mac);
        if (text is null || text.Length != 17 || text.Split(':') is not { Length: 6 } parts
            || !parts.All(part => part.Length == 2 && part.All(char.IsAsciiHexDigit))) return null;
        // Group addresses name no card; the addresses below are drivers' defaults.
        return (Convert.ToByte(parts[0], 16) & 1) != 0 || text is "00:00:00:00:00:01" or "00:11:22:33:44:55" or "02:00:00:00:00:01"
            ? null : text;
    }
}

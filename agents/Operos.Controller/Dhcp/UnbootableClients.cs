namespace Operos.Controller.Dhcp;

/// <summary>
/// Finds in dnsmasq's log the machines that no boot loader here fits, so that the operator hears of them: their own console shows
/// nothing of use. Lines of one exchange share a number: <c>dnsmasq-dhcp[9]: 1234 DHCPDISCOVER(eth0) MAC</c>, <c>... 1234 tags: efi32,
/// eth0</c>.
/// </summary>
internal sealed class UnbootableClients
{
    private const int MaxExchanges = 256;
    private readonly Dictionary<string, string> macs = new(StringComparer.Ordinal);
    private readonly HashSet<string> told = new(StringComparer.Ordinal);

    /// <summary>What to warn of; null for any other line, and for a machine that was told of before.</summary>
    public string? Observe(string line)
    {
        if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var daemon, var exchange, var what, .. var rest]
            || !daemon.StartsWith("dnsmasq-dhcp", StringComparison.Ordinal)) return null;
        if (what.StartsWith("DHCPDISCOVER(", StringComparison.Ordinal) && rest.Length > 0)
        {
            if (macs.Count >= MaxExchanges) macs.Clear();
            macs[exchange] = rest.LastOrDefault(word => word.Length == 17 && word[2] == ':') ?? "unknown";
            return null;
        }
        if (what != "tags:" || !rest.Any(tag => tag.TrimEnd(',') == DnsmasqConfiguration.Efi32)) return null;
        var mac = macs.GetValueOrDefault(exchange, "unknown");
        if (told.Count >= MaxExchanges) told.Clear();
        return told.Add(mac) ? $"{mac} asks to boot by 32-bit UEFI, for which there is no loader: set its firmware to BIOS (legacy) boot"
            : null;
    }
}

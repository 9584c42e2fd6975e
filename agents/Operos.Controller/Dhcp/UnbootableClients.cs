using System.Globalization;

namespace Operos.Controller.Dhcp;

/// <summary>
/// Finds in dnsmasq's log the machines that no boot loader here fits, so that the operator hears of them: their own console shows
/// nothing of use. Lines of one exchange share a number: <c>dnsmasq-dhcp[9]: 1234 DHCPDISCOVER(eth0) MAC</c>, in mode proxy
/// <c>... 1234 PXE(eth0) MAC proxy</c>, then <c>... 1234 tags: unbootable, arch11, eth0</c>.
/// </summary>
internal sealed class UnbootableClients
{
    private const int MaxExchanges = 256;
    private readonly Dictionary<string, string> macs = new(StringComparer.Ordinal);
    private readonly HashSet<(string, int?)> told = [];

    /// <summary>What to warn of; null for any other line, and for a machine whose firmware was told of before.</summary>
    public string? Observe(string line)
    {
        if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var daemon, var exchange, var what, .. var rest]
            || !daemon.StartsWith("dnsmasq-dhcp", StringComparison.Ordinal)) return null;
        if (rest.Length > 0 && what[..(what.IndexOf('(', StringComparison.Ordinal) + 1)] is "DHCPDISCOVER(" or "PXE(")
        {
            if (macs.Count >= MaxExchanges) macs.Clear();
            macs[exchange] = rest.LastOrDefault(word => word.Length == 17 && word[2] == ':') ?? "unknown";
            return null;
        }
        if (what != "tags:") return null;
        var tags = rest.Select(tag => tag.TrimEnd(',')).ToList();
        if (!tags.Contains(FirmwareTypes.Unbootable)) return null;
        var (mac, type) = (macs.GetValueOrDefault(exchange, "unknown"), tags.Select(Type).FirstOrDefault(type => type is not null));
        if (told.Count >= MaxExchanges) told.Clear();
        return told.Add((mac, type)) ? $"{mac} {FirmwareTypes.WhyNot(type)}" : null;
    }

    private static int? Type(string tag) =>
        tag.StartsWith(FirmwareTypes.Tag, StringComparison.Ordinal)
            && int.TryParse(tag[FirmwareTypes.Tag.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var type)
            && FirmwareTypes.Names.ContainsKey(type) ? type : null;
}

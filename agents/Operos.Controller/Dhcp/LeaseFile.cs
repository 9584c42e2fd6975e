using System.Globalization;
using System.Net;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Dhcp;

/// <summary>The leases in dnsmasq's file: expiry, MAC, address, hostname, client id on each line.</summary>
internal static class LeaseFile
{
    private const int MaxLeases = 65536;

    /// <summary>Lines that are no lease are passed over: DHCP clients chose some of their words.</summary>
    public static IReadOnlyList<Lease> Read(string path)
    {
        try { return [.. File.ReadLines(path).Take(MaxLeases).Select(Parse).OfType<Lease>()]; }
        catch (IOException) { return []; }
    }

    /// <summary>How many lines it has: at least as many as dnsmasq reads leases.</summary>
    public static int Count(string path)
    {
        try { return File.ReadLines(path).Count(); }
        catch (IOException) { return 0; }
    }

    internal static Lease? Parse(string line)
    {
        var words = line.Split(' ');
        if (words.Length != 5 || line.Length > 1024 || !line.All(PrintableText.IsPrintable)) return null;
        if (!long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var expiry)
            || !IPAddress.TryParse(words[2], out var address)) return null;
        return new Lease
        {
            ExpiresUnixMs = Math.Min(expiry, uint.MaxValue) * 1000,
            Mac = words[1],
            Address = address.ToString(),
            Hostname = words[3] == "*" ? null : words[3],
            ClientId = words[4] == "*" ? null : words[4],
        };
    }
}

using System.Net;
using System.Net.Sockets;
using Operos.Linux;

namespace Operos.Controller.Machines;

/// <summary>
/// A machine by what an operator calls it: UUID or name, else its address or a hardware address of it in any notation, else a start of its
/// UUID. Case never counts.
/// </summary>
internal static class MachineLookup
{
    private const int ShortestStart = 4, MacDigits = 12, UuidDigits = 32, MostTold = 8;

    /// <exception cref="RefusedException">There is none, or there are several: then each is named.</exception>
    public static MachineRecord Find(IReadOnlyCollection<MachineRecord> machines, string called)
    {
        called = called.Trim();
        // Not the other way round: who names a machine as another's UUID begins must not take its orders.
        var found = Those(machines, record => Same(record.Id, called) || Same(record.Name, called));
        if (found.Count == 0 && AddressOf(called) is { } address) found = Those(machines, record => record.Address == address);
        if (found.Count == 0 && Digits(called, MacDigits) is { } mac)
            found = Those(machines, record => record.Inventory.Nics.Any(nic => nic.Mac is { } own && Digits(own, MacDigits) == mac));
        if (found.Count == 0 && Digits(called, UuidDigits) is { } uuid)
            found = Those(machines, record => Digits(record.Id, UuidDigits) == uuid);
        if (found.Count == 0 && called.Length >= ShortestStart)
            found = Those(machines, record => record.Id.StartsWith(called, StringComparison.OrdinalIgnoreCase));
        return found switch
        {
            [var one] => one,
            [] => throw new RefusedException(RefusalKind.NotFound, $"no machine '{PrintableText.Line(called)}'",
                "operosctl machines lists them; name, UUID or a start of it (4 characters), address and MAC are understood; "
                + (AddressOf(called) is not null || Digits(called, MacDigits) is not null
                ? "one that boots and has not joined yet is in operosctl leases and operosctl boots"
                : "of one that was removed operosctl events tells")),
            _ => throw new RefusedException(RefusalKind.Conflict, $"'{PrintableText.Line(called)}' may be {found.Count} machines: "
                + string.Join(", ", found.Take(MostTold).Select(Describe)) + (found.Count > MostTold ? ", ..." : ""),
                "give more of the UUID, or the whole"),
        };
    }

    private static List<MachineRecord> Those(IReadOnlyCollection<MachineRecord> machines, Func<MachineRecord, bool> fits) =>
        [.. machines.Where(fits).OrderBy(record => record.Id, StringComparer.Ordinal)];

    private static string Describe(MachineRecord record) => record.Name is null ? record.Id : $"{record.Id} ({record.Name})";

    private static bool Same(string? one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);

    /// <summary>An address as records have it; four numbers, as <c>77</c> alone is one to some programs.</summary>
    private static string? AddressOf(string text) =>
        text.Count(c => c == '.') == 3 && IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork
            ? address.ToString() : null;

    /// <summary>
    /// What is hexadecimal of it, in lower case, where that is so much and all else are the separators of hardware addresses and UUIDs:
    /// 3c:ec:ef:00:00:01, 3C-EC-EF-00-00-01, 3cec.ef00.0001 and 3cecef000001 are the same.
    /// </summary>
    private static string? Digits(string text, int count)
    {
        var digits = new string([.. text.Where(c => c is not (':' or '-' or '.'))]).ToLowerInvariant();
        return digits.Length == count && digits.All(char.IsAsciiHexDigit) ? digits : null;
    }
}

using System.Globalization;
using System.Text.Json;
using Operos.Ceph.Monitors;

namespace Operos.Ceph.Pools;

/// <summary>
/// Shuts clients out (<c>osd blocklist</c>): an OSD that has heard of it takes nothing from them any more, whatever they have under way.
/// Whether each has heard of it is asked of each.
/// </summary>
internal sealed class ClientFence(MonitorClient client, TimeProvider time)
{
    /// <summary>
    /// In seconds. By default an entry ends after an hour, and a machine that was cut off would write again then: these end when they are
    /// taken away.
    /// </summary>
    private const double Life = 10.0 * 365 * 24 * 3600;

    private const int MostNamed = 5;
    /// <summary>Of a time of Ceph, such as <c>2036-11-27T00:50:23.123456+0000</c>, the characters of the day.</summary>
    private const int Day = 10;

    /// <returns>The map of the OSDs from which on they are shut out.</returns>
    /// <exception cref="IOException">The monitor does not answer, or one of them is not on its list.</exception>
    public async Task<long> ShutOutAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        foreach (var address in addresses)
            await client.SendAsync(Command("add", address).With("expire", Life), cancellationToken).ConfigureAwait(false);
        var dump = await client.AskAsync(new CephCommand("osd dump"), cancellationToken).ConfigureAwait(false);
        var listed = dump.MembersOf("blocklist").Select(entry => entry.Name).ToHashSet(StringComparer.Ordinal);
        if (addresses.FirstOrDefault(address => !listed.Contains(address)) is { } missing)
            throw new IOException($"{missing} was shut out, and is not on the monitor's list");
        return dump.NumberOf("epoch");
    }

    /// <summary>
    /// Shuts out anew those that are on the list no longer, or not for long: whoever takes the lock of an image from one of them enters it
    /// once more, for an hour, and so ends what was to last (krbd of Linux 6.12, librbd of Ceph 16).
    /// </summary>
    /// <returns>Which.</returns>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public async Task<IReadOnlyList<string>> RenewAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        var dump = await client.AskAsync(new CephCommand("osd dump"), cancellationToken).ConfigureAwait(false);
        var listed = dump.MembersOf("blocklist").ToDictionary(one => one.Name, one => one.Value.GetString(), StringComparer.Ordinal);
        var soon = time.GetUtcNow().AddSeconds(Life / 2).UtcDateTime;
        var ending = addresses.Where(address => !(listed.GetValueOrDefault(address) is { Length: >= Day } until
            && DateTime.TryParseExact(until.AsSpan(0, Day), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var end)
            && end > soon)).ToList();
        if (ending.Count > 0) await ShutOutAsync(ending, cancellationToken).ConfigureAwait(false);
        return ending;
    }

    /// <summary>Which OSDs do not know that map yet, in words; null where all that are up do.</summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public async Task<string?> WhyNotInForceAsync(long epoch, CancellationToken cancellationToken)
    {
        var dump = await client.AskAsync(new CephCommand("osd dump"), cancellationToken).ConfigureAwait(false);
        var behind = new List<string>();
        foreach (var osd in dump.ItemsOf("osds").Where(osd => osd.FlagOf("up")).Select(osd => (int)osd.NumberOf("osd")))
        {
            var map = await MapOfAsync(osd, cancellationToken).ConfigureAwait(false);
            if (map < epoch) behind.Add(map < 0 ? $"osd.{osd} does not answer" : $"osd.{osd} has map {map}");
        }
        return behind.Count == 0 ? null : $"not all OSDs have map {epoch}: {string.Join(", ", behind.Take(MostNamed))}";
    }

    /// <summary>Lets them back; those that are not shut out stay so.</summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public async Task LetBackAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        foreach (var address in addresses)
            await client.SendAsync(Command("rm", address), cancellationToken).ConfigureAwait(false);
    }

    private static CephCommand Command(string what, string address) =>
        new CephCommand("osd blocklist").With("blocklistop", what).With("addr", address);

    /// <returns>The newest map that an OSD has; -1 where it does not answer.</returns>
    private async Task<long> MapOfAsync(int osd, CancellationToken cancellationToken)
    {
        try
        {
            var status = await client.AskAsync(new CephCommand("status") { Osd = osd }, cancellationToken).ConfigureAwait(false);
            return status.Member("newest_map").ValueKind == JsonValueKind.Number ? status.NumberOf("newest_map") : -1;
        }
        catch (IOException) { return -1; }
    }
}

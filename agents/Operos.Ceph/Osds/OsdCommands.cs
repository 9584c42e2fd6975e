using System.Text.Json;
using Operos.Ceph.Facts;
using Operos.Ceph.Monitors;
using Operos.Linux;
using Operos.Linux.Ceph;

namespace Operos.Ceph.Osds;

/// <summary>An OSD as the monitor has it now.</summary>
/// <param name="Uuid">Its partition; empty for one that was destroyed.</param>
/// <param name="IsDestroyed">Whether its number and its place wait for another disk.</param>
public sealed record OsdStanding(Guid Uuid, bool IsUp, bool IsIn, bool IsDestroyed);

/// <summary>What operators do to OSDs. All of it can be done again: what is so already stays so.</summary>
/// <param name="require">Throws where the monitor does not answer.</param>
/// <param name="changed">Told after each change.</param>
public sealed class OsdCommands
{
    private const double BytesOfWeight = 1L << 40;
    /// <summary>256 TiB: a machine says of itself how large its partition is.</summary>
    private const long LargestOsd = 1L << 48;

    /// <summary>Of an OSD, as the monitor gives them to one that is new.</summary>
    private static readonly (string Service, string Allowed)[] Capabilities =
        [("mon", "allow profile osd"), ("mgr", "allow profile osd"), ("osd", "allow *")];

    private readonly MonitorClient client;
    private readonly Action require, changed;

    internal OsdCommands(MonitorClient client, Action require, Action changed) =>
        (this.client, this.require, this.changed) = (client, require, changed);

    /// <returns>Null where the cluster has none of this number.</returns>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public async Task<OsdStanding?> FindAsync(int osd, CancellationToken cancellationToken)
    {
        var dump = await AskAsync(new CephCommand("osd dump"), cancellationToken).ConfigureAwait(false);
        return dump.ItemsOf("osds").Where(one => one.NumberOf("osd") == osd && one.Member("osd").ValueKind == JsonValueKind.Number)
            .Select(one => new OsdStanding(Guid.TryParse(one.TextOf("uuid"), out var uuid) ? uuid : Guid.Empty, one.FlagOf("up"),
                one.FlagOf("in"), FactsReader.IsDestroyed(one))).FirstOrDefault();
    }

    /// <summary>
    /// The OSDs with whose keys nobody is let in as an OSD must be: after the monitor's store was made anew, which knows none of them.
    /// </summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public async Task<IReadOnlyList<(int Id, Guid Uuid)>> WithoutKeyAsync(CancellationToken cancellationToken)
    {
        var dump = await AskAsync(new CephCommand("osd dump"), cancellationToken).ConfigureAwait(false);
        var users = await AskAsync(new CephCommand("auth ls"), cancellationToken).ConfigureAwait(false);
        var known = users.ItemsOf("auth_dump")
            .Where(user => Capabilities.All(one => user.Member("caps").TextOf(one.Service) == one.Allowed))
            .Select(user => user.TextOf("entity")).ToHashSet(StringComparer.Ordinal);
        return [.. FactsReader.OsdsOf(dump).Where(osd => osd.Uuid != Guid.Empty && !known.Contains($"osd.{osd.Id}"))];
    }

    /// <summary>Lets an OSD in with a key, as <c>osd new</c> does with one that is new.</summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public Task SetKeyAsync(int osd, CephKey key, CancellationToken cancellationToken) =>
        ChangeAsync(new CephCommand("auth import") { Input = Keyring.Of($"osd.{osd}", key.Text, Capabilities) }, cancellationToken);

    /// <summary>Puts data on an OSD, or has all that is on it copied to others.</summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public Task MarkAsync(int osd, bool isIn, CancellationToken cancellationToken) =>
        ChangeAsync(new CephCommand(isIn ? "osd in" : "osd out").With("ids", [$"{osd}"]), cancellationToken);

    /// <summary>What would be lost if OSDs never came back, whether they are up now or not.</summary>
    /// <exception cref="IOException">The manager does not answer, or has not counted yet.</exception>
    public async Task<OsdLoss> WeighAsync(IReadOnlyCollection<int> osds, CancellationToken cancellationToken)
    {
        var isSafe = await IsSafeToDestroyAsync(osds, cancellationToken).ConfigureAwait(false);
        var (groups, pools) = await CountAsync(cancellationToken).ConfigureAwait(false);
        return OsdLoss.Of(osds, isSafe, groups, pools.ToDictionary(pool => pool.Key, pool => pool.Value.Name));
    }

    /// <summary>What becomes of the data while OSDs are away together, and if they never come back.</summary>
    /// <exception cref="IOException">The manager does not answer, or has not counted yet.</exception>
    public async Task<OsdAbsence> WeighAbsenceAsync(IReadOnlyCollection<int> osds, CancellationToken cancellationToken)
    {
        var agrees = await IsOkToStopAsync(osds, cancellationToken).ConfigureAwait(false);
        var isSafe = await IsSafeToDestroyAsync(osds, cancellationToken).ConfigureAwait(false);
        var (groups, pools) = await CountAsync(cancellationToken).ConfigureAwait(false);
        var loss = OsdLoss.Of(osds, isSafe, groups, pools.ToDictionary(pool => pool.Key, pool => pool.Value.Name));
        return OsdAbsence.Of(osds, agrees, loss, groups, pools);
    }

    /// <summary>Removes an OSD that is down: its number, its place and its key.</summary>
    /// <exception cref="IOException">It is up, or the manager does not answer.</exception>
    public Task PurgeAsync(int osd, CancellationToken cancellationToken) => ForceAsync("osd purge", osd, cancellationToken);

    /// <summary>Takes the key and the UUID of an OSD that is down; its number and its place wait for another disk.</summary>
    /// <exception cref="IOException">It is up, or the manager does not answer.</exception>
    public Task DestroyAsync(int osd, CancellationToken cancellationToken) => ForceAsync("osd destroy", osd, cancellationToken);

    /// <summary>How much of the data an OSD is given; one that takes another's place would have the other's share for ever.</summary>
    /// <param name="bytes">Of its partition.</param>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public async Task SetSizeAsync(int osd, long bytes, CancellationToken cancellationToken)
    {
        try
        {
            await ChangeAsync(new CephCommand("osd crush reweight").With("name", $"osd.{osd}").With("weight",
                Math.Min(bytes, LargestOsd) / BytesOfWeight),
                cancellationToken).ConfigureAwait(false);
        }
        // It never started, and gets its share when it does.
        catch (IOException e) when (e.InnerException is RadosException { IsMissing: true }) { }
    }

    /// <summary>Whether what is lost was looked at is the caller's business, who has asked.</summary>
    private Task ForceAsync(string command, int osd, CancellationToken cancellationToken) =>
        ChangeAsync(new CephCommand(command, OfManager: true).With("id", (long)osd).With("force", true)
            .With("yes_i_really_mean_it", true), cancellationToken);

    /// <summary>
    /// Where it is not so, Ceph may refuse the question or answer it with success (18.2, as JSON): what the answer says counts.
    /// </summary>
    /// <returns>An undefined one where it is refused.</returns>
    private async Task<JsonElement> QuestionAsync(string question, IReadOnlyCollection<int> osds, CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync(new CephCommand(question, OfManager: true).With("ids", [.. osds.Select(osd => $"{osd}")]),
                cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e) when (e.InnerException is RadosException { IsNo: true }) { return default; }
    }

    private async Task<bool> IsSafeToDestroyAsync(IReadOnlyCollection<int> osds, CancellationToken cancellationToken)
    {
        var answer = await QuestionAsync("osd safe-to-destroy", osds, cancellationToken).ConfigureAwait(false);
        var safe = answer.ItemsOf("safe_to_destroy").Where(osd => osd.ValueKind == JsonValueKind.Number && osd.TryGetInt32(out _))
            .Select(osd => osd.GetInt32()).ToList();
        return osds.All(safe.Contains);
    }

    private async Task<bool> IsOkToStopAsync(IReadOnlyCollection<int> osds, CancellationToken cancellationToken)
    {
        var answer = await QuestionAsync("osd ok-to-stop", osds, cancellationToken).ConfigureAwait(false);
        return answer.FlagOf("ok_to_stop") || answer.Member("ok_to_stop").FlagOf("ok_to_stop");
    }

    /// <returns>Also the pools by number: each one's name, and how many copies it works with.</returns>
    private async Task<(IReadOnlyList<PlacementGroup> Groups, Dictionary<long, (string Name, int MinSize)> Pools)> CountAsync(
        CancellationToken cancellationToken)
    {
        var groups = PlacementGroup.Read(await AskAsync(new CephCommand("pg dump", OfManager: true).With("dumpcontents", ["pgs"]),
            cancellationToken).ConfigureAwait(false));
        var dump = await AskAsync(new CephCommand("osd dump"), cancellationToken).ConfigureAwait(false);
        return (groups, dump.ItemsOf("pools").GroupBy(pool => pool.NumberOf("pool")).ToDictionary(same => same.Key,
            same => (PrintableText.Line(same.First().TextOf("pool_name")) ?? "?", (int)same.First().NumberOf("min_size"))));
    }

    private Task<JsonElement> AskAsync(CephCommand command, CancellationToken cancellationToken)
    {
        require();
        return client.AskAsync(command, cancellationToken);
    }

    private async Task ChangeAsync(CephCommand command, CancellationToken cancellationToken)
    {
        require();
        await client.SendAsync(command, cancellationToken).ConfigureAwait(false);
        changed();
    }
}

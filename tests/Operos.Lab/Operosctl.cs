using System.Text.Json;

namespace Operos.Lab;

/// <summary>operosctl beside the machines of a lab, as an operator uses it.</summary>
/// <param name="credentials">The operator's, for <c>--config</c>.</param>
public sealed class Operosctl(Build build, LabNetwork network, string credentials)
{
    /// <summary>A controller beside two hundred simulated machines or two busy guests answers late and well.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>How <c>status</c> ends where a component does not work or a node is not Ready.</summary>
    private const int NotWell = 1;

    /// <summary>What it printed.</summary>
    /// <param name="patience">For the controller's answer; null for a minute.</param>
    /// <exception cref="LabException">It failed; with what it said.</exception>
    public Task<string> RunAsync(IEnumerable<string> arguments, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        string[] words = [.. arguments];
        return network.RunAsync(build.Binary("operosctl"),
            [.. words, "--timeout", $"{(patience ?? Patience).TotalSeconds:0}", "--config", credentials], cancellationToken,
            tells: words is ["status", ..] ? NotWell : 0);
    }

    /// <summary>All that the controller knows or lets wait, itself too.</summary>
    public async Task<IReadOnlyList<ClusterMachine>> MachinesAsync(CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        var list = await RunAsync(["machines", "list", "--json"], cancellationToken, patience).ConfigureAwait(false);
        try
        {
            using var json = JsonDocument.Parse(list);
            return [.. json.RootElement.GetProperty("machines").EnumerateArray().Select(machine =>
                new ClusterMachine(Text(machine, "id")!, Text(machine, "kind")!, Text(machine, "state")!, Text(machine, "address")))];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new LabException($"not a list of machines: {e.Message}: {list}");
        }

        static string? Text(JsonElement machine, string name) => machine.GetProperty(name).GetString();
    }

    public async Task<IReadOnlyList<ClusterMachine>> WorkersAsync(CancellationToken cancellationToken) =>
        [.. (await MachinesAsync(cancellationToken).ConfigureAwait(false)).Where(machine => machine.IsWorker)];

    /// <summary>The disks of all machines that have told them.</summary>
    public async Task<IReadOnlyList<ListedDisk>> DisksAsync(CancellationToken cancellationToken, TimeSpan? patience = null) =>
        ListedDisk.ReadAll(await RunAsync(["disks", "list", "--json"], cancellationToken, patience).ConfigureAwait(false));

    public async Task<ClusterStatus> StatusAsync(CancellationToken cancellationToken, TimeSpan? patience = null) =>
        new(await RunAsync(["status", "--json"], cancellationToken, patience).ConfigureAwait(false));
}

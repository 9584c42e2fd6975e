using System.Text.Json;
using Operos.Linux.Ceph;

namespace Operos.Ceph.Monitors;

/// <summary>Asks the monitor and the manager, one thing at a time, over one connection; each question ends in time.</summary>
/// <param name="configuration">The client's <c>ceph.conf</c>, of which <c>client.admin</c> is.</param>
internal sealed class MonitorClient(string configuration) : IDisposable
{
    private readonly CephConnection connection = new(configuration);

    /// <exception cref="IOException">Nobody answers in time, or it is refused.</exception>
    public async Task<JsonElement> AskAsync(CephCommand command, CancellationToken cancellationToken)
    {
        var reply = await SendAsync(command, cancellationToken).ConfigureAwait(false);
        // Most that change something answer nothing.
        if (reply.All(letter => letter is (byte)'\n' or (byte)' ')) return default;
        try
        {
            using var document = JsonDocument.Parse(reply);
            return document.RootElement.Clone();
        }
        catch (JsonException e) { throw new IOException($"ceph {command}: no JSON: {e.Message}", e); }
    }

    /// <exception cref="IOException">Nobody answers in time, or it is refused: then a <see cref="RadosException"/> is within.</exception>
    public Task<byte[]> SendAsync(CephCommand command, CancellationToken cancellationToken) =>
        connection.CallAsync($"ceph {command}", (asked, _) => command switch
        {
            { Osd: { } osd } => asked.AskOsd(osd, command.ToJson()),
            { OfManager: true } => asked.AskManager(command.ToJson(), command.Input),
            _ => asked.AskMonitor(command.ToJson(), command.Input),
        }, cancellationToken);

    public void Dispose() => connection.Dispose();
}

using Operos.Authority;
using Operos.Proto.Connection;

namespace Operos.Controller.Connections;

/// <summary>
/// The connections of those whose certificates count. No holder has more than its share: its oldest makes room for its newest.
/// </summary>
internal sealed class OpenConnections
{
    public const int MostOfWorker = 8, MostOfOperator = 64;
    private readonly Lock openLock = new();
    private readonly Dictionary<(Role Role, string Name), List<ControlConnection>> open = [];

    public void Add((Role Role, string Name) holder, ControlConnection connection)
    {
        ControlConnection? oldest = null;
        lock (openLock)
        {
            if (!open.TryGetValue(holder, out var own)) open[holder] = own = [];
            if (own.Count >= (holder.Role == Role.Worker ? MostOfWorker : MostOfOperator))
            {
                oldest = own[0];
                own.RemoveAt(0);
            }
            own.Add(connection);
        }
        // Not awaited: the newcomer need not wait until the other end has closed.
        if (oldest is not null) _ = oldest.DisposeAsync().AsTask();
    }

    public void Remove((Role Role, string Name) holder, ControlConnection connection)
    {
        lock (openLock)
        {
            if (!open.TryGetValue(holder, out var own)) return;
            own.Remove(connection);
            if (own.Count == 0) open.Remove(holder);
        }
    }

    /// <summary>Ends all connections of a holder whose certificates no longer count.</summary>
    public async Task CloseAsync((Role Role, string Name) holder)
    {
        List<ControlConnection> own;
        lock (openLock) own = [.. open.GetValueOrDefault(holder) ?? []];
        foreach (var connection in own) await connection.DisposeAsync().ConfigureAwait(false);
    }
}

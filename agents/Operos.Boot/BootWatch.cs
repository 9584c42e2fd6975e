using System.Collections.Concurrent;
using System.Net;

namespace Operos.Boot;

/// <summary>What each client of the boot server fetches. Bounded: the longest silent are forgotten first.</summary>
public sealed class BootWatch(TimeProvider time)
{
    private const int MaxClients = 1024;
    private readonly ConcurrentDictionary<IPAddress, BootTransfer> clients = new();

    public BootTransfer Begin(IPAddress client, string path, long total)
    {
        if (clients.Count >= MaxClients && !clients.ContainsKey(client))
            foreach (var old in clients.OrderBy(pair => pair.Value.LastUnixMs).Take(MaxClients / 8)) clients.TryRemove(old.Key, out _);
        // Ranges of one file are one transfer.
        return clients.AddOrUpdate(client, _ => new BootTransfer(path, total, time), (_, known) => known.Path == path
            ? known : new BootTransfer(path, total, time));
    }

    /// <summary>Remembers a transfer of before this process; one that is known already is newer.</summary>
    public void Recall(IPAddress client, BootTransfer transfer)
    {
        if (clients.Count < MaxClients) clients.TryAdd(client, transfer);
    }

    /// <summary>Each client's last transfer, the latest first.</summary>
    public IReadOnlyList<(IPAddress Client, BootTransfer Transfer)> Transfers =>
        [.. clients.OrderByDescending(pair => pair.Value.LastUnixMs).Select(pair => (pair.Key, pair.Value))];
}

/// <summary>One file on its way to one client.</summary>
public sealed class BootTransfer(string path, long total, TimeProvider time)
{
    private long sent;

    /// <summary>One of before this process.</summary>
    public BootTransfer(string path, long total, long sent, long lastUnixMs, TimeProvider time) : this(path, total, time) =>
        (this.sent, LastUnixMs) = (sent, lastUnixMs);

    /// <summary>As it was asked for.</summary>
    public string Path { get; } = path;
    /// <summary>The file's size in bytes.</summary>
    public long Total { get; } = total;
    /// <summary>Bytes sent so far; more than the size where ranges were sent again.</summary>
    public long Sent => Interlocked.Read(ref sent);
    public long LastUnixMs { get; private set; } = time.GetUtcNow().ToUnixTimeMilliseconds();

    public void Add(int count)
    {
        Interlocked.Add(ref sent, count);
        LastUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds();
    }
}

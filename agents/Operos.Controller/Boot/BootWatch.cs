using System.Collections.Concurrent;
using System.Net;
using Operos.Proto;

namespace Operos.Controller.Boot;

/// <summary>What each client of the boot server fetches, for <c>operosctl boots</c>. Bounded: the longest silent are forgotten first.</summary>
internal sealed class BootWatch(TimeProvider time)
{
    private const int MaxClients = 1024;
    private readonly ConcurrentDictionary<IPAddress, BootTransfer> clients = new();

    public BootTransfer Begin(IPAddress client, string path, long total)
    {
        if (clients.Count >= MaxClients && !clients.ContainsKey(client))
            foreach (var old in clients.OrderBy(pair => pair.Value.LastUnixMs).Take(MaxClients / 8)) clients.TryRemove(old.Key, out _);
        // Ranges of one file are one transfer.
        return clients.AddOrUpdate(client, _ => new BootTransfer(path, total, time), (_, known) => known.Path == path ? known : new BootTransfer(path, total, time));
    }

    public BootList List(Func<string, string?> macOf) => new()
    {
        Boots = [.. clients.OrderByDescending(pair => pair.Value.LastUnixMs).Select(pair => pair.Value.Describe(pair.Key.ToString(), macOf(pair.Key.ToString())))],
    };
}

/// <summary>One file on its way to one client.</summary>
internal sealed class BootTransfer(string path, long total, TimeProvider time)
{
    private long sent;

    public string Path { get; } = path;
    public long LastUnixMs { get; private set; } = time.GetUtcNow().ToUnixTimeMilliseconds();

    public void Add(int count)
    {
        Interlocked.Add(ref sent, count);
        LastUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds();
    }

    public BootProgress Describe(string address, string? mac)
    {
        var parts = Path.Split('/');
        return new BootProgress
        {
            Address = address, Mac = mac, File = parts[^1], BytesSent = Interlocked.Read(ref sent), BytesTotal = total, LastUnixMs = LastUnixMs,
            Release = parts is ["", "releases", var version, _] ? version : null,
        };
    }
}

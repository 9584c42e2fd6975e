using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Operos.Net.Tests;

/// <summary>What the server is about to answer; a scenario changes it.</summary>
internal sealed record BootAnswer(string Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>Bytes of head and body that are sent at all.</summary>
    public int SendAtMost { get; init; } = int.MaxValue;

    /// <summary>Keeps the connection open and says nothing more; otherwise it is closed after what was cut.</summary>
    public bool ThenSilent { get; init; }

    /// <summary>In place of status and headers.</summary>
    public byte[]? RawHead { get; init; }

    public BootAnswer With(string header, string? value)
    {
        var headers = Headers.Where(pair => pair.Key != header).ToDictionary();
        if (value is not null) headers[header] = value;
        return this with { Headers = headers };
    }

    public byte[] ToBytes() =>
        [.. RawHead ?? Encoding.ASCII.GetBytes(
        $"HTTP/1.1 {Status}\r\n{string.Concat(Headers.Select(pair => $"{pair.Key}: {pair.Value}\r\n"))}\r\n"), .. Body];
}

/// <summary>A boot server over real sockets that serves a folder in ranges, and does it wrong for its first answers of layers.</summary>
internal sealed class FaultyBootServer : IDisposable
{
    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Lock clientsLock = new();
    private readonly List<Socket> clients = [];
    private readonly List<(string Path, long From, long To)> requests = [];
    private readonly Func<BootAnswer, BootAnswer> fault;
    private int faultsLeft;

    public FaultyBootServer(string folder, Func<BootAnswer, BootAnswer> fault, int faults)
    {
        (Folder, this.fault, faultsLeft) = (folder, fault, faults);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(64);
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public IPEndPoint Endpoint => (IPEndPoint)listener.LocalEndPoint!;

    /// <summary>Holds <c>releases/VERSION</c>; may be changed while it serves.</summary>
    public string Folder { get; set; }

    /// <summary>The ranges of layers that were asked for, in order.</summary>
    public IReadOnlyList<(string Path, long From, long To)> Requests
    {
        get { lock (clientsLock) return [.. requests]; }
    }

    public void Dispose()
    {
        listener.Dispose();
        lock (clientsLock) clients.ForEach(client => client.Dispose());
    }

    private void Accept()
    {
        while (true)
        {
            Socket client;
            try { client = listener.Accept(); }
            catch (SocketException) { return; }
            catch (ObjectDisposedException) { return; }
            lock (clientsLock) clients.Add(client);
            new Thread(() => Serve(client)) { IsBackground = true }.Start();
        }
    }

    private void Serve(Socket client)
    {
        using var owned = client;
        try
        {
            while (ReadHead(client) is { } head)
            {
                var answer = Answer(head);
                var bytes = answer.ToBytes();
                client.Send(bytes.AsSpan(0, Math.Min(bytes.Length, answer.SendAtMost)));
                if (answer.ThenSilent) Thread.Sleep(Timeout.Infinite);
                if (answer.SendAtMost < bytes.Length) return;
            }
        }
        // The client went away, or the test has ended.
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }

    private static string? ReadHead(Socket client)
    {
        var head = new StringBuilder();
        var buffer = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (client.Receive(buffer) == 0) return null;
            head.Append((char)buffer[0]);
        }
        return head.ToString();
    }

    private BootAnswer Answer(string head)
    {
        var lines = head.Split("\r\n");
        var path = lines[0].Split(' ')[1];
        var file = Path.Combine(Folder, path.TrimStart('/'));
        if (!File.Exists(file)) return new BootAnswer("404 Not Found", new Dictionary<string, string> { ["Content-Length"] = "0" }, []);
        var range = lines.FirstOrDefault(line => line.StartsWith("Range: bytes=", StringComparison.Ordinal))?["Range: bytes=".Length..]
            .Split('-');
        var whole = File.ReadAllBytes(file);
        if (range is null) return new BootAnswer("200 OK", new Dictionary<string, string> { ["Content-Length"] = $"{whole.Length}" },
            whole);
        var (from, to) = (long.Parse(range[0], CultureInfo.InvariantCulture),
            Math.Min(long.Parse(range[1], CultureInfo.InvariantCulture), whole.Length - 1));
        bool faulty;
        // The first requests are the ones that go wrong, in the order in which they are kept.
        lock (clientsLock)
        {
            requests.Add((path, from, to));
            faulty = faultsLeft-- > 0;
        }
        var sound = new BootAnswer("206 Partial Content",
            new Dictionary<string, string> { ["Content-Length"] = $"{to - from + 1}",
            ["Content-Range"] = $"bytes {from}-{to}/{whole.Length}" }, whole[(int)from..(int)(to + 1)]);
        return faulty ? fault(sound) : sound;
    }
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>The boot server from another host, over raw sockets.</summary>
[Collection(Lanes.Boot)]
public sealed class HttpTests
{
    private static readonly IPEndPoint Server = new(IPAddress.Parse("10.77.0.1"), 7480);

    /// <summary>A machine's agent may be up before its network is.</summary>
    [Fact]
    public async Task A_controller_that_starts_without_its_address_serves_as_soon_as_it_has_it()
    {
        await using var service = await BootService.StartAsync();
        service.Controller.Kill();
        await service.AddressAsync(present: false);
        // Fails at once where the process ends.
        var started = service.Controller.RunAsync(default);
        await Task.Delay(TimeSpan.FromSeconds(2));
        Assert.False(started.IsCompleted);
        await Wait.UntilAsync("it says what it waits for", Worker.Soon, () => Task.FromResult(File.ReadAllText(service.Controller.LogPath)
            .Contains("no interface of this machine has 10.77.0.1 yet", StringComparison.Ordinal)), service.Controller.LogPath);
        await service.AddressAsync(present: true);
        await started;
        Assert.EndsWith($"\r\n\r\n{service.Version}\n", Ask(
            service, "GET /releases/current HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_ranges_and_refusals()
    {
        await using var service = await BootService.StartAsync();
        var release = $"/releases/{service.Version}";
        Assert.EndsWith($"\r\n\r\n{service.Version}\n", Ask(
            service, "GET /releases/current HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
        var head = Ask(service, $"HEAD {release}/vmlinuz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        Assert.Contains($"Content-Length: {new FileInfo(Path.Combine(service.Controller.ReleaseFolder, "vmlinuz")).Length}\r\n", head,
            StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", head, StringComparison.Ordinal);
        var range = Ask(service, $"GET {release}/release.json HTTP/1.1\r\nHost: h\r\nRange: bytes=0-0\r\nConnection: close\r\n\r\n");
        Assert.Contains(" 206 ", range, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n{", range, StringComparison.Ordinal);
        Assert.Contains(" 416 ", Ask(service,
            $"GET {release}/release.json HTTP/1.1\r\nHost: h\r\nRange: bytes=99999999-\r\nConnection: close\r\n\r\n"),
            StringComparison.Ordinal);
        Assert.Contains(" 412 ", Ask(service,
            $"GET {release}/release.json HTTP/1.1\r\nHost: h\r\nIf-Match: \"old\"\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
        foreach (var path in new[] { "/../../../etc/passwd", "/releases/../../setup/state/pki/ca.key",
            "/releases/%2e%2e/%2e%2e/setup/state/pki/ca.key", $"{release}/../../setup/state/pki/ca.key", $"{release}/..%2f..%2fsetup", "/",
            "/releases/", $"{release}/" })
            Assert.Contains(" 404 ", Ask(service, $"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
                StringComparison.Ordinal);
        // With a body for GET, which edk2 waits for; a second request on the connection is answered in its place.
        var missing = Ask(service,
            "HEAD /none HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n"
            + "Connection: close\r\n\r\n");
        Assert.Equal(4, missing.Split("HTTP/1.1 404 Not Found").Length);
        Assert.Equal(3, missing.Split("\r\n\r\nnot found\n").Length);
        Assert.Contains(" 405 ", Ask(service, "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n"), StringComparison.Ordinal);
        Assert.Contains(" 400 ", Ask(service, "nonsense\r\n\r\n"), StringComparison.Ordinal);
        Assert.Contains(" 431 ", Ask(service, "GET / HTTP/1.1\r\nX: " + new string('a', 9000)), StringComparison.Ordinal);
        var pipelined = Ask(service,
            "GET /releases/current HTTP/1.1\r\nHost: h\r\n\r\nGET /releases/current HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        Assert.Equal(3, pipelined.Split("HTTP/1.1 200 OK").Length);
        Assert.Contains("current", await service.Controller.CtlAsync(["boots"], default), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Five_hundred_slow_clients_do_not_starve_a_fast_one()
    {
        await using var service = await BootService.StartAsync();
        var request = $"GET /releases/{service.Version}/base.squashfs HTTP/1.1\r\nHost: h\r\n\r\n";
        var slow = new List<Socket>();
        try
        {
            // Half never finish their request, half never read their answer.
            for (var i = 0; i < 500; i++)
            {
                var socket = service.Client.Open(SocketType.Stream, made => made.ReceiveBufferSize = 4096);
                socket.Connect(Server);
                socket.Send(Encoding.ASCII.GetBytes(i % 2 == 0 ? request[..20] : request));
                slow.Add(socket);
            }
            var clock = Stopwatch.StartNew();
            using var fast = service.Client.Open(SocketType.Stream);
            fast.Connect(Server);
            fast.Send(Encoding.ASCII.GetBytes(request));
            var wanted = new FileInfo(Path.Combine(service.Controller.ReleaseFolder, "base.squashfs")).Length;
            var buffer = new byte[1 << 18];
            for (long received = 0; received < wanted;)
            {
                var count = fast.Receive(buffer);
                Assert.True(count > 0, "the server closed a fast client's connection");
                received += count;
            }
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"the fast client waited {clock.Elapsed.TotalSeconds:0.0} s");
            // The silent half is let go after its 15 s, the rest of the server goes on.
            slow[0].ReceiveTimeout = 30_000;
            Assert.Contains(" 408 ", Encoding.ASCII.GetString(buffer, 0, slow[0].Receive(buffer)), StringComparison.Ordinal);
        }
        finally
        {
            foreach (var socket in slow) socket.Dispose();
        }
    }

    private static string Ask(BootService service, string request)
    {
        using var socket = service.Client.Open(SocketType.Stream);
        socket.Connect(Server);
        socket.Send(Encoding.ASCII.GetBytes(request));
        var answer = new StringBuilder();
        var buffer = new byte[65536];
        try
        {
            for (int count; (count = socket.Receive(buffer)) > 0;) answer.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        // What was refused unread makes the kernel reset the connection after the answer.
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset && answer.Length > 0) { }
        return answer.ToString();
    }
}

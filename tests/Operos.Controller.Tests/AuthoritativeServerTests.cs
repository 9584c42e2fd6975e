using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Names;

namespace Operos.Controller.Tests;

public sealed class AuthoritativeServerTests
{
    [Fact]
    public async Task A_run_folder_too_long_for_a_socket_is_named_and_what_to_do()
    {
        var folder = Path.Combine(Path.GetTempPath(), new string('a', 100), "authority");
        var plan = new ZonePlan("cluster.local", "machines.example", IPAddress.Parse("10.77.0.1"), [IPNetwork.Parse("10.77.0.0/24")]);
        var authority = new AuthoritativeServer(plan, new ClusterNames(), "/usr/sbin/knotd", folder, TimeProvider.System,
            type => new Socket(AddressFamily.InterNetwork, type, ProtocolType.Unspecified), NullLogger.Instance);
        using var stop = new CancellationTokenSource();
        var running = authority.RunAsync(stop.Token);
        for (var attempt = 0; authority.Status.Text == "not started" && attempt < 100; attempt++) await Task.Delay(50);
        var (healthy, text, _) = authority.Status;
        await stop.CancelAsync();
        await running.ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.False(healthy);
        Assert.Contains($"{folder}/knot.sock is longer than the 107 bytes", text, StringComparison.Ordinal);
        Assert.Contains("--run", text, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));
    }
}

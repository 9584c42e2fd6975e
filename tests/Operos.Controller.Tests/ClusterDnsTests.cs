using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Controller.Configuration;
using Operos.Names;

namespace Operos.Controller.Tests;

public sealed class ClusterDnsTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly string folder = Directory.CreateTempSubdirectory("operos-dns-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary><c>dns.enabled</c> on an image without Kubernetes, which is where the daemons come with.</summary>
    [Fact]
    public async Task Where_an_image_has_no_name_servers_that_is_told_and_ends_nothing()
    {
        var settings = SettingsReader.Read("c", "[network]\naddress = \"10.77.0.1/24\"\n[dhcp]\nmode = \"off\"\n"
            + "[kubernetes]\nenabled = false\n[dns]\nenabled = true\n");
        var paths = new ControllerPaths { Run = folder, State = folder,
            KnotProgram = "/nowhere/knotd", UnboundProgram = "/nowhere/unbound" };
        var names = new ClusterNames();
        names.SetComplete();
        var dns = new ClusterDns(settings.NameServer(paths), names, TimeProvider.System, NullLogger<ClusterDns>.Instance);
        using var stop = new CancellationTokenSource();
        var running = dns.RunAsync(stop.Token);
        var waited = Stopwatch.StartNew();
        while (!Told(dns.AuthorityStatus) || !Told(dns.ResolverStatus))
        {
            Assert.False(running.IsCompleted, $"it ended: {running.Exception?.Message}");
            Assert.True(waited.Elapsed < Patience, $"knot: {dns.AuthorityStatus.Text}; unbound: {dns.ResolverStatus.Text}");
            await Task.Delay(50);
        }
        Assert.False(running.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Patience));
    }

    private static bool Told((bool Healthy, string Text, DateTimeOffset Since) status) =>
        status is { Healthy: false, Text: not "not started" };
}

using System.Diagnostics;
using System.Net.Sockets;
using Operos.Linux.Units;

namespace Operos.Node.Tests;

/// <summary>A system bus that takes connections and says nothing, as that of a daemon that is stopped.</summary>
public sealed class SilentBusTests : IDisposable
{
    private const int EndedBySignal = 128;
    private readonly string folder = Directory.CreateTempSubdirectory("operos-bus-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_reboot_is_given_up_on_logind_within_seconds_and_ordered_by_signal()
    {
        using var bus = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        bus.Bind(new UnixDomainSocketEndPoint($"{folder}/bus"));
        bus.Listen();
        // It gets the signal that systemd would.
        using var process = Process.Start("sleep", "600");
        try
        {
            using var systemd = new Systemd($"unix:path={folder}/bus", process.Id);
            var clock = Stopwatch.StartNew();
            var problem = await systemd.OrderRebootAsync(default);
            Assert.Equal("the system bus or logind has not answered in 5 s", problem);
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15), $"it took {clock.Elapsed.TotalSeconds:0.0} s");
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
            Assert.True(process.ExitCode > EndedBySignal, $"it ended with {process.ExitCode}");
        }
        finally { process.Kill(); }
    }
}

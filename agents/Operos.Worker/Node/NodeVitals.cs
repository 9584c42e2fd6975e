using System.Diagnostics;
using System.Globalization;
using Operos.Linux;
using Operos.Linux.Units;
using Operos.Proto;
using Operos.Worker.Disks;

namespace Operos.Worker.Node;

/// <summary>The few figures of a heartbeat.</summary>
internal sealed class NodeVitals(Systemd systemd, LocalVolumes volumes)
{
    private const string Starting = "starting", Unknown = "unknown";
    /// <summary>It hardly changes once a machine is up, and where no bus is each question is a failure.</summary>
    private static readonly TimeSpan SystemStatePeriod = TimeSpan.FromMinutes(1);
    /// <summary>A heartbeat does not wait for a bus that hangs: without heartbeats the machine counts as down.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private string systemState = Starting;
    private long systemStateAsked;

    public async Task<Heartbeat> ReadAsync(string bootId, IReadOnlyList<NodeStep> steps, CancellationToken cancellationToken) =>
        new()
    {
        BootId = bootId,
        Steps = steps,
        UptimeSeconds = SystemControl.BootMilliseconds() / 1000,
        SystemState = await ReadSystemStateAsync(cancellationToken).ConfigureAwait(false),
        MemoryAvailableBytes = ReadMemory("MemAvailable"),
        VolumeBytes = volumes.Bytes,
        UnixTimeMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
        Load1 = double.TryParse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture, out var load) ? load : 0,
    };

    private async Task<string> ReadSystemStateAsync(CancellationToken cancellationToken)
    {
        if (systemState != Starting && Stopwatch.GetElapsedTime(systemStateAsked) < SystemStatePeriod) return systemState;
        systemState = await AskSystemStateAsync(cancellationToken).ConfigureAwait(false);
        systemStateAsked = Stopwatch.GetTimestamp();
        return systemState;
    }

    private async Task<string> AskSystemStateAsync(CancellationToken cancellationToken)
    {
        try
        {
            var state = await systemd.ReadSystemStateAsync(cancellationToken).WaitAsync(Patience, cancellationToken).ConfigureAwait(false);
            return state is { Length: > 0 and < 32 } ? state : Unknown;
        }
        catch (Exception e) when (e is IOException or TimeoutException) { return Unknown; }
    }

    /// <summary>A field of proc_meminfo(5), in bytes.</summary>
    public static long ReadMemory(string field)
    {
        var line = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(field + ":", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture) * 1024;
    }
}

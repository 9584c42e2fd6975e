using System.Diagnostics;
using System.Globalization;
using Operos.Linux;
using Operos.Linux.Units;
using Operos.Proto;

namespace Operos.Worker.Node;

/// <summary>The few figures of a heartbeat.</summary>
internal static class NodeVitals
{
    private const string Starting = "starting";
    private static readonly Systemd Units = new();
    /// <summary>It hardly changes once a machine is up, and where no bus is each question is a failure.</summary>
    private static readonly TimeSpan SystemStatePeriod = TimeSpan.FromMinutes(1);
    private static string systemState = Starting;
    private static long systemStateAsked;

    public static async Task<Heartbeat> ReadAsync(string bootId, IReadOnlyList<NodeStep> steps, CancellationToken cancellationToken) =>
        new()
    {
        BootId = bootId,
        Steps = steps,
        UptimeSeconds = SystemControl.BootMilliseconds() / 1000,
        SystemState = await ReadSystemStateAsync(cancellationToken).ConfigureAwait(false),
        MemoryAvailableBytes = ReadMemory("MemAvailable"),
        Load1 = double.TryParse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture, out var load) ? load : 0,
    };

    /// <summary>Reboots through systemd: services stop, file systems are unmounted.</summary>
    public static void Reboot() => Process.Start("systemctl", ["reboot"]).Dispose();

    private static async Task<string> ReadSystemStateAsync(CancellationToken cancellationToken)
    {
        if (systemState != Starting && Stopwatch.GetElapsedTime(systemStateAsked) < SystemStatePeriod) return systemState;
        systemState = await AskSystemStateAsync(cancellationToken).ConfigureAwait(false);
        systemStateAsked = Stopwatch.GetTimestamp();
        return systemState;
    }

    private static async Task<string> AskSystemStateAsync(CancellationToken cancellationToken)
    {
        try { return await Units.ReadSystemStateAsync(cancellationToken).ConfigureAwait(false) is { Length: > 0 and < 32 } state
            ? state : "unknown"; }
        catch (IOException) { return "unknown"; }
    }

    /// <summary>A field of proc_meminfo(5), in bytes.</summary>
    public static long ReadMemory(string field)
    {
        var line = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(field + ":", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture) * 1024;
    }
}

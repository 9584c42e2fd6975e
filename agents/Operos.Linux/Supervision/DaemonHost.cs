using System.Globalization;
using Microsoft.Extensions.Logging;
using Operos.Linux.Units;

namespace Operos.Linux.Supervision;

/// <summary>Where this agent's daemons run.</summary>
public sealed class DaemonHost
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(10);
    private readonly ILogger logger;
    private readonly Systemd? systemd;

    private DaemonHost(Systemd? systemd, ILogger logger) => (this.systemd, this.logger) = (systemd, logger);

    /// <summary>
    /// Units where systemd runs this agent as a service of its own; children where somebody started it by hand, such as in a network
    /// namespace, which a unit would not be in.
    /// </summary>
    public static DaemonHost Choose(ILogger logger)
    {
        // systemd.exec(5): the process that systemd itself executed; a shell's children inherit the variable with another's number.
        var executed = Environment.GetEnvironmentVariable("SYSTEMD_EXEC_PID");
        return executed == Environment.ProcessId.ToString(CultureInfo.InvariantCulture) ? Units(new Systemd(), logger) : Children(logger);
    }

    public static DaemonHost Units(Systemd systemd, ILogger logger) => new(systemd, logger);

    public static DaemonHost Children(ILogger logger) => new(null, logger);

    /// <summary>Whether systemd runs them: on a machine that is ours.</summary>
    public bool AreUnits => systemd is not null;

    /// <summary>What runs one daemon.</summary>
    public IDaemonProcess Of(Daemon daemon) =>
        systemd is null ? new ChildDaemon(daemon, logger) : new UnitDaemon(daemon, systemd, logger);

    /// <summary>
    /// Stops units that an agent before this one may have left running, under settings that had them; then waits until cancelled.
    /// </summary>
    public async Task KeepOffAsync(IReadOnlyList<string> units, CancellationToken cancellationToken)
    {
        foreach (var unit in systemd is null ? [] : units)
            while (!await TryStopAsync(systemd!, unit, cancellationToken).ConfigureAwait(false))
                await Task.Delay(Again, cancellationToken).ConfigureAwait(false);
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> TryStopAsync(Systemd bus, string unit, CancellationToken cancellationToken)
    {
        try
        {
            var state = await bus.ReadAsync(unit, cancellationToken).ConfigureAwait(false);
            // An image without Kubernetes has no unit of it.
            if (state.Load != "not-found" && state.Active != "inactive")
                await bus.StopAsync(unit, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (IOException e)
        {
            logger.NotAsked(unit, e.Message);
            return false;
        }
    }
}

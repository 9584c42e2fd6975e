using Microsoft.Extensions.Logging;
using Operos.Controller.Configuration;
using Operos.Linux;
using Operos.Linux.Clock;
using Operos.Linux.Supervision;

namespace Operos.Controller.Clock;

/// <summary>
/// chronyd with our configuration: it keeps the controller's clock by the servers that the settings name, and the machines' by the
/// controller's, whether any of these answers or not.
/// </summary>
internal sealed class ClockServer
{
    /// <summary>The first answers take some ten seconds; those of a pool's servers must first be found by their names.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Servers are asked every 17 minutes at most. One that was heard long ago is still what chronyd follows.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromHours(1);

    /// <param name="Alone">Whether no server is heard.</param>
    /// <param name="Since">Since when that is so.</param>
    private sealed record State(ClockTracking Clock, bool Alone, DateTimeOffset Since);

    private readonly ControllerSettings settings;
    private readonly ControllerPaths paths;
    private readonly TimeProvider time;
    private readonly string configuration;
    private readonly DaemonSupervisor supervisor;
    private volatile State? state;

    /// <param name="host">Where it runs; a child of this process where it is not given.</param>
    public ClockServer(ControllerSettings settings, ControllerPaths paths, TimeProvider time, ILogger<ClockServer> logger,
        DaemonHost? host = null)
    {
        (this.settings, this.paths, this.time) = (settings, paths, time);
        configuration = Path.Combine(paths.Run, "chrony", "chrony.conf");
        var daemon = new Daemon
        {
            Name = "chronyd", Unit = Chrony.Unit, Package = Chrony.Package, Program = paths.ChronydProgram,
            // The clock of a machine on which somebody started this agent by hand is not ours to set.
            Arguments = ["-4", "-d", "-x", "-f", configuration],
            PrepareAsync = PrepareAsync,
            Health = new HealthCheck { AskAsync = AskAsync, Pause = TimeSpan.FromSeconds(15), AnswerSuffices = true },
        };
        supervisor = new DaemonSupervisor(daemon, (host ?? DaemonHost.Children(logger)).Of(daemon), logger);
    }

    /// <summary>
    /// Whose time it serves. Its own is as good where nobody named a server; that none of those answers which an operator named is a
    /// failure.
    /// </summary>
    public (bool Healthy, string Text, DateTimeOffset Since) Status
    {
        get
        {
            var status = supervisor.Status;
            if (!status.Healthy) return status;
            if (state is not var (clock, alone, since)) return status with { Text = "being asked" };
            if (!alone) return status with { Text = $"by {clock.Source}, stratum {clock.Stratum}, {clock.Offset}" };
            if (Servers.Count == 0) return status with { Text = "the controller's own: time.servers names none" };
            var text = $"the controller's own: no answer from {string.Join(", ", Servers)}";
            return settings.TimeServers is null || time.GetUtcNow() - since < Patience ? status with { Text = text } : (false, text, since);
        }
    }

    private IReadOnlyList<string> Servers => settings.TimeServers ?? ControllerSettings.UsualTimeServers;

    public Task RunAsync(CancellationToken cancellationToken) => supervisor.RunAsync(cancellationToken);

    /// <summary>It reads its configuration once, when it starts.</summary>
    private Task<DaemonChange> PrepareAsync(bool runs, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(configuration)!);
        var changed = AtomicFile.WriteIfChanged(configuration,
            Chrony.Serve(settings.Address, settings.Network, Servers, paths.ChronySocket));
        return Task.FromResult(changed ? DaemonChange.Restart : DaemonChange.None);
    }

    private async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            var clock = await ClockTracking.AskAsync(cancellationToken, paths.ChronySocket, paths.ChronycProgram).ConfigureAwait(false);
            var now = time.GetUtcNow();
            var alone = clock.Source is null || now - clock.Measured > LongestSilence;
            state = new State(clock, alone, state is { } before && before.Alone == alone ? before.Since : now);
            return null;
        }
        catch (IOException e) { return e.Message; }
    }
}

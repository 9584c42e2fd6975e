using System.Text;
using Microsoft.Extensions.Logging;
using Operos.Controller.Configuration;
using Operos.Linux;
using Operos.Linux.Supervision;

namespace Operos.Controller.Dhcp;

/// <summary>dnsmasq with our configuration: DHCP and TFTP.</summary>
internal sealed class Dnsmasq
{
    /// <summary>
    /// Of Debian's package: it keeps what its sockets need and reads what everybody may. The lease file stays open from before.
    /// </summary>
    private const string User = "dnsmasq";
    private readonly ControllerSettings settings;
    private readonly ControllerPaths paths;
    private readonly string configuration;
    private readonly DaemonSupervisor supervisor;

    /// <param name="host">Where it runs; a child of this process where it is not given.</param>
    public Dnsmasq(ControllerSettings settings, ControllerPaths paths, ILogger<Dnsmasq> logger, DaemonHost? host = null)
    {
        (this.settings, this.paths, configuration) = (settings, paths, Path.Combine(paths.Run, "dnsmasq", "dnsmasq.conf"));
        var unbootable = new UnbootableClients();
        var daemon = new Daemon
        {
            Name = "dnsmasq", Unit = "operos-dnsmasq", Package = "dnsmasq-base", Program = paths.DnsmasqProgram,
            Arguments = ["--keep-in-foreground", $"--conf-file={configuration}", "--log-facility=-", $"--user={User}", "--pid-file="],
            PrepareAsync = PrepareAsync,
            Running = $"mode {settings.DhcpMode.ToString().ToLowerInvariant()}",
            Heard = line =>
            {
                if (unbootable.Observe(line) is { } warning) logger.Unbootable(warning);
            },
        };
        supervisor = new DaemonSupervisor(daemon, (host ?? DaemonHost.Children(logger)).Of(daemon), logger);
    }

    /// <summary>Running, or why not.</summary>
    public (bool Healthy, string Text, DateTimeOffset Since) Status => supervisor.Status;

    public Task RunAsync(CancellationToken cancellationToken) => supervisor.RunAsync(cancellationToken);

    /// <summary>It reads its configuration once, when it starts.</summary>
    private Task<DaemonChange> PrepareAsync(bool runs, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(configuration)!);
        var changed = AtomicFile.WriteIfChanged(configuration,
            Encoding.ASCII.GetBytes(DnsmasqConfiguration.Write(settings, paths.Tftp, paths.Leases, LeaseFile.Count(paths.Leases))));
        return Task.FromResult(changed ? DaemonChange.Restart : DaemonChange.None);
    }
}

using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging;
using Operos.Controller.Configuration;
using Operos.Linux;

namespace Operos.Controller.Dhcp;

/// <summary>Keeps dnsmasq running with our configuration: checked before each start, restarted when it dies, stopped with us.</summary>
internal sealed class Dnsmasq(ControllerSettings settings, ControllerPaths paths, ILogger<Dnsmasq> logger)
{
    /// <summary>
    /// Of Debian's package: it keeps what its sockets need and reads what everybody may. The lease file stays open from before.
    /// </summary>
    private const string User = "dnsmasq";
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(10), LongestPause = TimeSpan.FromSeconds(30);
    private readonly UnbootableClients unbootable = new();
    private readonly string configuration = Path.Combine(paths.Run, "dnsmasq", "dnsmasq.conf");

    /// <summary>Running, or why not.</summary>
    public (bool Healthy, string Text, DateTimeOffset Since) Status { get; private set; } = (false, "not started", DateTimeOffset.UtcNow);

    public int? ProcessId { get; private set; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(configuration)!);
        AtomicFile.Write(configuration, Encoding.ASCII.GetBytes(DnsmasqConfiguration.Write(settings, paths.Tftp, paths.Leases)));
        var pause = TimeSpan.FromSeconds(1);
        while (true)
        {
            var started = Stopwatch.GetTimestamp();
            var problem = await StartAsync(cancellationToken).ConfigureAwait(false);
            Status = (false, problem, DateTimeOffset.UtcNow);
            if (Stopwatch.GetElapsedTime(started) > ShortLife) pause = TimeSpan.FromSeconds(1);
            logger.StartsAgain(problem, pause.TotalSeconds);
            await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Runs dnsmasq until it ends; answers why it did.</summary>
    private async Task<string> StartAsync(CancellationToken cancellationToken)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(paths.DnsmasqProgram,
                ["--keep-in-foreground", $"--conf-file={configuration}", "--log-facility=-", $"--user={User}", "--pid-file="])
            {
                RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true,
            },
        };
        var last = "";
        process.ErrorDataReceived += (_, line) =>
        {
            if (string.IsNullOrWhiteSpace(line.Data)) return;
            last = line.Data;
            logger.Said(line.Data);
            if (unbootable.Observe(line.Data) is { } warning) logger.Unbootable(warning);
        };
        try { process.Start(); }
        catch (System.ComponentModel.Win32Exception e) { return $"cannot be started: {e.Message}; is the package dnsmasq-base installed?"; }
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        process.StandardInput.Close();
        ProcessId = process.Id;
        Status = (true, $"mode {settings.DhcpMode.ToString().ToLowerInvariant()}", DateTimeOffset.UtcNow);
        logger.Runs(settings.DhcpMode);
        try
        {
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            return $"ended with code {process.ExitCode}: {last}";
        }
        finally
        {
            ProcessId = null;
            // A wedged dnsmasq would hold the port that the next one needs.
            if (!process.HasExited) process.Kill();
        }
    }
}

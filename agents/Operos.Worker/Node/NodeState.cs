using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Operos.Linux;
using Operos.Linux.Units;
using Operos.Proto;

namespace Operos.Worker.Node;

/// <summary>What <c>operos-worker status</c> shows.</summary>
internal sealed record WorkerStatus
{
    /// <summary><c>connecting</c>, <c>waiting</c>, <c>enrolled</c>.</summary>
    public required string State { get; init; }
    public string? Machine { get; init; }
    public string? Name { get; init; }
    public string? Text { get; init; }
    public DateTimeOffset Since { get; init; }
    public DateTimeOffset? CertificateExpires { get; init; }
    public string? LastError { get; init; }
    /// <summary>How far the machine is on its way to a Ready node.</summary>
    public IReadOnlyList<NodeStep>? Kubernetes { get; init; }
    /// <summary>The OSDs on its disks; null where there are none.</summary>
    public IReadOnlyList<OsdState>? Osds { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkerStatus))]
[JsonSerializable(typeof(MembershipRecord))]
internal sealed partial class WorkerJson : JsonSerializerContext;

/// <summary>Brings this machine to what the controller wants, and tells its console and its status file.</summary>
internal sealed class NodeState(string folder, bool apply, Systemd systemd, ILogger<NodeState> logger)
{
    private const string AuthorizedKeysPath = "/run/operos/ssh/authorized_keys", SshService = "ssh";
    /// <summary>Heartbeats wait for it; an order that was not taken is given again at the next.</summary>
    private static readonly TimeSpan SshPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(60);
    private readonly ConsoleBanner banner = new();
    private string said = "";
    private string hostname = "";
    // Null while it is not known whether sshd follows them: an agent before this one may have left others.
    private string? authorizedKeys = File.Exists(AuthorizedKeysPath) ? null : "";

    public static string StatusPath(string folder) => Path.Combine(folder, "status.json");

    public void Report(WorkerStatus status)
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        AtomicFile.Write(StatusPath(folder), JsonSerializer.SerializeToUtf8Bytes(
            status with { Since = DateTimeOffset.UtcNow }, WorkerJson.Default.WorkerStatus));
    }

    /// <summary>A line for the person at the console, once.</summary>
    public void Say(string text)
    {
        if (text == said) return;
        said = text;
        logger.Said(text);
        if (!apply) return;
        // The kernel log reaches every console.
        try
        {
            File.WriteAllText("/dev/kmsg", $"<5>operos-worker: {text}\n");
            banner.Show($"operos-worker: {text}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { logger.NoConsole(e.Message); }
    }

    public async Task ApplyAsync(NodeConfiguration configuration, CancellationToken cancellationToken)
    {
        if (!apply) return;
        if (configuration.Hostname != hostname) ApplyHostname(configuration.Hostname);
        var keys = string.Concat(configuration.AuthorizedKeys.Select(key => key + "\n"));
        if (keys != authorizedKeys) await ApplyAuthorizedKeysAsync(keys, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reboots the machine in order; what fails of that is said.</summary>
    public async Task RebootAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await systemd.OrderRebootAsync(cancellationToken).ConfigureAwait(false) is { } problem)
                Say($"rebooting without logind, so that pods are not waited for: {problem}");
        }
        catch (LinuxException e) { Say($"cannot reboot: {e.Message}; switch the machine off and on"); }
    }

    private void ApplyHostname(string name)
    {
        hostname = name;
        SystemControl.SetHostname(name);
        AtomicFile.Write("/etc/hostname", Encoding.ASCII.GetBytes(name + "\n"), FileModes.Readable);
        AtomicFile.Write(
            "/etc/hosts", Encoding.ASCII.GetBytes($"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost\n"), FileModes.Readable);
    }

    /// <summary>The image's sshd_config names this file. While it is empty nobody may log in, and sshd does not run.</summary>
    private async Task ApplyAuthorizedKeysAsync(string keys, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(SshPatience);
        try
        {
            if (keys.Length == 0)
            {
                // Not the other way round: an agent that starts anew knows by the file that sshd is to be stopped.
                AtomicFile.Write(AuthorizedKeysPath, [], FileModes.Private);
                await systemd.OrderStopAsync(SshService, patience.Token).ConfigureAwait(false);
                File.Delete(AuthorizedKeysPath);
            }
            else
            {
                Directory.CreateDirectory(Path.GetDirectoryName(AuthorizedKeysPath)!);
                AtomicFile.Write(AuthorizedKeysPath, Encoding.ASCII.GetBytes(keys), FileModes.Private);
                await systemd.OrderStartAsync(SshService, patience.Token).ConfigureAwait(false);
            }
            authorizedKeys = keys;
        }
        catch (IOException e) { logger.SshNotSwitched(e.Message); }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            logger.SshNotSwitched($"systemd does not answer within {SshPatience.TotalSeconds:0} s");
        }
    }

    /// <summary>
    /// A machine whose clock is far off takes the controller's, which its key has vouched for; a time service does the rest.
    /// </summary>
    public void AdoptClock(long controllerUnixMs)
    {
        var theirs = DateTimeOffset.FromUnixTimeMilliseconds(controllerUnixMs);
        var difference = theirs - DateTimeOffset.UtcNow;
        if (!apply || difference.Duration() < ClockTolerance) return;
        logger.ClockWasOff(difference, theirs.ToString("u", CultureInfo.InvariantCulture));
        SystemControl.SetClock(theirs);
    }
}

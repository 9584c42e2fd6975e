using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Operos.Linux;
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
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkerStatus))]
internal sealed partial class WorkerJson : JsonSerializerContext;

/// <summary>Brings this machine to what the controller wants, and tells its console and its status file.</summary>
internal sealed class NodeState(string folder, bool apply, ILogger<NodeState> logger)
{
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(60);
    private string said = "";
    private string hostname = "";
    private string authorizedKeys = "";

    private const string AuthorizedKeysPath = "/run/operos/ssh/authorized_keys";

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
        try { File.WriteAllText("/dev/kmsg", $"<5>operos-worker: {text}\n"); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { logger.NoConsole(e.Message); }
    }

    public void Apply(NodeConfiguration configuration)
    {
        if (!apply) return;
        if (configuration.Hostname != hostname) ApplyHostname(configuration.Hostname);
        var keys = string.Concat(configuration.AuthorizedKeys.Select(key => key + "\n"));
        if (keys != authorizedKeys) ApplyAuthorizedKeys(keys);
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
    private void ApplyAuthorizedKeys(string keys)
    {
        authorizedKeys = keys;
        if (keys.Length == 0) File.Delete(AuthorizedKeysPath);
        else
        {
            Directory.CreateDirectory(Path.GetDirectoryName(AuthorizedKeysPath)!);
            AtomicFile.Write(AuthorizedKeysPath, Encoding.ASCII.GetBytes(keys), FileModes.Private);
        }
        Process.Start("systemctl", ["--no-block", keys.Length == 0 ? "stop" : "start", "ssh.service"]).Dispose();
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

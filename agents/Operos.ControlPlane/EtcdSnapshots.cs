using System.Security.Cryptography;
using System.Text.Json;
using Operos.Authority;
using Operos.ControlPlane.Certificates;
using Operos.ControlPlane.Components;
using Operos.Linux.Programs;
using Names = Operos.ControlPlane.Certificates.ControlPlaneCertificates;

namespace Operos.ControlPlane;

/// <summary>etcd's contents as a file, by etcd's own programs: saved while it runs, checked, made a data folder of again.</summary>
public sealed class EtcdSnapshots
{
    /// <summary>
    /// By so much the revision is ahead after a restore. Kubernetes' clients remember the revision that they have seen: one that went back
    /// would hide from them what is written next. etcd takes years for as many writes between a backup and its restore.
    /// </summary>
    internal const long RevisionAhead = 1_000_000_000;

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);
    private readonly Names certificates;

    internal EtcdSnapshots(Names certificates) => this.certificates = certificates;

    /// <summary>Saves what etcd holds now.</summary>
    /// <exception cref="IOException">It does not answer, or the disk takes no more.</exception>
    public async Task SaveAsync(string file, CancellationToken cancellationToken)
    {
        await CallAsync("etcdctl",
        [
            $"--endpoints={ControlPlaneComponents.EtcdUrl}", $"--cacert={certificates.AuthorityFile(Issuer.Etcd)}",
            $"--cert={certificates.Certificate(Names.AgentEtcd)}", $"--key={certificates.Key(Names.AgentEtcd)}", "snapshot", "save", file,
        ], cancellationToken).ConfigureAwait(false);
        await CheckHashAsync(file, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads all of a snapshot.</summary>
    /// <returns>Its revision.</returns>
    /// <exception cref="IOException">It is damaged.</exception>
    public static async Task<long> CheckAsync(string file, CancellationToken cancellationToken)
    {
        var said = await CallAsync("etcdutl", ["snapshot", "status", file, "--write-out=json"], cancellationToken).ConfigureAwait(false);
        try
        {
            using var json = JsonDocument.Parse(said);
            return json.RootElement.GetProperty("revision").GetInt64();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new IOException($"etcdutl says of {file} what is no status: {e.Message}", e);
        }
    }

    /// <summary>Makes a data folder of a snapshot, for an etcd that is the only one.</summary>
    /// <param name="folder">Not there yet.</param>
    /// <exception cref="IOException">The snapshot is damaged, or the disk takes no more.</exception>
    public static async Task RestoreAsync(string file, string folder, CancellationToken cancellationToken) => await CallAsync("etcdutl",
    [
        "snapshot", "restore", file, $"--data-dir={folder}", $"--name={ControlPlaneComponents.EtcdMemberName}",
        $"--initial-cluster={ControlPlaneComponents.EtcdMemberName}={ControlPlaneComponents.EtcdPeerUrl}",
        $"--initial-advertise-peer-urls={ControlPlaneComponents.EtcdPeerUrl}", $"--bump-revision={RevisionAhead}", "--mark-compacted",
    ], cancellationToken).ConfigureAwait(false);

    /// <summary>etcd ends a snapshot with the SHA-256 of all before it, which etcdutl looks at when it is too late.</summary>
    private static async Task CheckHashAsync(string file, CancellationToken cancellationToken)
    {
        await using var stream = File.OpenRead(file);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (left, buffer) = (stream.Length - SHA256.HashSizeInBytes, new byte[1 << 16]);
        if (left <= 0) throw new IOException($"{file}, which etcdctl saved, is {stream.Length} bytes: it is no snapshot");
        while (left > 0)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellationToken)
                .ConfigureAwait(false);
            hash.AppendData(buffer, 0, read);
            left -= read;
        }
        var said = new byte[SHA256.HashSizeInBytes];
        await stream.ReadExactlyAsync(said, cancellationToken).ConfigureAwait(false);
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(said))
            throw new IOException($"{file} is not what etcd sent: its hash is another. Next: try again, and look at the disk");
    }

    private static async Task<string> CallAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var result = await ProgramCall.RunAsync(program, arguments, cancellationToken, longest: Longest).ConfigureAwait(false);
        return result.Code == 0 ? result.Output
            : throw new IOException($"{program} failed ({result.Code}): {LastWords.Fault((result.Errors + result.Output).Split('\n'))}");
    }
}

using System.Text.Json;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Worker.Node;

/// <summary>
/// Which Node this machine is, as the controller said last. It is kept on RAM, so that an agent that begins anew keeps the node and its
/// pods' network while no controller tells it anything.
/// </summary>
internal sealed record MembershipRecord
{
    public required string Name { get; init; }
    public required KubernetesNode Cluster { get; init; }

    /// <summary>Null where there is none, or none that can be read: then the machine waits for the controller's word.</summary>
    public static MembershipRecord? Read(string folder)
    {
        try
        {
            var record = JsonSerializer.Deserialize(File.ReadAllBytes(PathIn(folder)), WorkerJson.Default.MembershipRecord);
            return record is { Name: not null, Cluster: { ApiServer: not null, Authority: not null, PodNetwork: not null } }
                ? record : null;
        }
        catch (Exception e) when (e is IOException or JsonException) { return null; }
    }

    public void Write(string folder)
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        AtomicFile.Write(PathIn(folder), JsonSerializer.SerializeToUtf8Bytes(this, WorkerJson.Default.MembershipRecord));
    }

    public static void Forget(string folder)
    {
        if (File.Exists(PathIn(folder))) AtomicFile.Delete(PathIn(folder));
    }

    private static string PathIn(string folder) => Path.Combine(folder, "node.json");
}

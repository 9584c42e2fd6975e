using Operos.Storage.Classes;
using Operos.Worker.Configuration;

namespace Operos.Worker.Diagnosis;

/// <summary>Whose disks are this machine's: by the anchor that it booted with, and by the id that it was told.</summary>
internal static class DiskSettings
{
    /// <param name="takesFiles">Whether images count as disks.</param>
    /// <exception cref="IOException">The certificate is none.</exception>
    public static DiskPolicy Load(string? authority, string? stateFolder, bool takesFiles)
    {
        var path = authority ?? WorkerSettings.AnchorPath;
        // A machine that is no cluster's has no disks of its own, and can look at them all the same.
        var cluster = authority is null && !File.Exists(path)
            ? "" : DiskPolicy.ClusterOf(WorkerSettings.ReadAuthority(path));
        return new DiskPolicy
        {
            Cluster = cluster,
            Machine = Guid.TryParse(StatusFile.Find(stateFolder)?.Machine, out var machine) ? machine : Guid.Empty,
            TakesFiles = takesFiles,
        };
    }
}

using Operos.Backup;

namespace Operos.Controller.Backups;

/// <summary>A backup on the controller's disk.</summary>
/// <param name="Name">Its file's, without the ending.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Manifest">Null where it cannot be read.</param>
/// <param name="Problem">Why it cannot be read; null where it can.</param>
internal sealed record StoredBackup(string Name, long Size, BackupManifest? Manifest, string? Problem);

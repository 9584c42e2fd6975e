using Operos.Backup;
using Operos.Linux;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ctl.Commands;

/// <summary>A backup away from its controller: fetched, encrypted on the way, read back.</summary>
internal static class BackupCopy
{
    /// <summary>A backup's name; the newest's where none is given.</summary>
    public static async Task<string> NameAsync(ControlConnection connection, string? name, CancellationToken cancellationToken)
    {
        if (name is not null) return name;
        var list = await connection.CallAsync<BackupList>(new ListBackups(), cancellationToken);
        return list.Backups.FirstOrDefault(backup => backup.Problem is null)?.Name
            ?? throw new BackupException("there is no backup yet. Next: operosctl backup create");
    }

    /// <returns>The backup's name.</returns>
    /// <exception cref="IOException">It did not come whole, or cannot be written; no file is left then.</exception>
    public static async Task<string> FetchAsync(ControlConnection connection, string? name, string path, Func<string> secret,
        CancellationToken cancellationToken)
    {
        var chosen = await NameAsync(connection, name, cancellationToken);
        var opened = await connection.CallAsync<BackupTicket>(new OpenBackup { Name = chosen }, cancellationToken);
        // Nobody is asked for a passphrase who may not have a copy.
        var passphrase = secret();
        var partial = path + AtomicFile.PartialSuffix;
        File.Delete(partial);
        try
        {
            await using (var file = new FileStream(partial, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = FileModes.Private,
            }))
            await using (var encrypted = new AgeWriter(file, passphrase))
            {
                for (var offset = 0L; offset < opened.SizeBytes;)
                {
                    var part = await connection.CallAsync<BackupData>(
                        new ReadBackup { Ticket = opened.Ticket, Offset = offset }, cancellationToken);
                    if (part.Data is not { Length: > 0 }) throw new BackupException($"the backup ended after {offset} bytes; try again");
                    encrypted.Write(part.Data);
                    offset += part.Data.Length;
                }
                encrypted.Complete();
                file.Flush(flushToDisk: true);
            }
            Verify(partial, () => passphrase, cancellationToken);
            File.Move(partial, path, overwrite: true);
            AtomicFile.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
            return chosen;
        }
        finally { File.Delete(partial); }
    }

    /// <exception cref="IOException">It is damaged, or not for this passphrase.</exception>
    public static BackupManifest Verify(string path, Func<string> passphrase, CancellationToken cancellationToken)
    {
        using var file = File.OpenRead(path);
        using var plain = Encryption.Open(file, passphrase);
        return BackupArchive.Read(plain, _ => null, cancellationToken);
    }
}

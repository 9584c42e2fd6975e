using System.Formats.Tar;
using System.Security.Cryptography;
using Operos.Linux;

namespace Operos.Backup;

/// <summary>
/// A backup as one file: a tar archive (POSIX pax) of a manifest, which has the size and the SHA-256 of each part, and those parts.
/// </summary>
public static class BackupArchive
{
    private const int BufferSize = 1 << 16;

    /// <param name="open">Opens a part, which has just the bytes that the manifest says.</param>
    /// <exception cref="BackupException">A part has others.</exception>
    public static void Write(Stream output, BackupManifest manifest, Func<BackupPart, Stream> open)
    {
        using var tar = new TarWriter(output, TarEntryFormat.Pax, leaveOpen: true);
        using (var json = new MemoryStream(manifest.ToJson())) Add(BackupManifest.FileName, json, FileModes.Private);
        foreach (var part in manifest.Parts)
        {
            using var content = open(part);
            if (content.Length != part.Size) throw new BackupException($"{part.Name} changed while it was read; try again");
            Add(part.Name, content, part.Permissions());
        }

        void Add(string name, Stream content, UnixFileMode mode) => tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name)
        {
            DataStream = content, Mode = mode, ModificationTime = manifest.Created, UserName = "root", GroupName = "root",
        });
    }

    /// <summary>The manifest alone.</summary>
    /// <exception cref="BackupException">It is no backup.</exception>
    public static BackupManifest ReadManifest(Stream input)
    {
        try
        {
            using var tar = new TarReader(input, leaveOpen: true);
            return ReadManifest(tar);
        }
        catch (Exception e) when (IsDamage(e)) { throw Damaged(e); }
    }

    /// <summary>Reads all of it: every part is there, and is what the manifest says.</summary>
    /// <param name="sink">Where a part goes; null where it is looked at only.</param>
    /// <exception cref="BackupException">It is damaged, or not whole. What was written until then is not to be used.</exception>
    public static BackupManifest Read(Stream input, Func<BackupPart, Stream?> sink, CancellationToken cancellationToken)
    {
        try
        {
            using var tar = new TarReader(input, leaveOpen: true);
            var manifest = ReadManifest(tar);
            foreach (var part in manifest.Parts)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var entry = tar.GetNextEntry() ?? throw new BackupException($"the backup is cut off before {part.Name}");
                if (entry.Name != part.Name || entry.EntryType != TarEntryType.RegularFile)
                    throw new BackupException($"the backup has another entry where {part.Name} should be");
                using var target = sink(part);
                Copy(part, entry.DataStream ?? Stream.Null, target, cancellationToken);
            }
            if (tar.GetNextEntry() is not null) throw new BackupException("the backup has an entry that its manifest does not name");
            return manifest;
        }
        catch (Exception e) when (IsDamage(e)) { throw Damaged(e); }
    }

    private static BackupManifest ReadManifest(TarReader tar)
    {
        var entry = tar.GetNextEntry();
        if (entry is not { Name: BackupManifest.FileName, EntryType: TarEntryType.RegularFile, Length: <= BackupManifest.MaxBytes })
            throw new BackupException("this is no backup: it does not begin with its manifest");
        var json = new byte[entry.Length];
        (entry.DataStream ?? Stream.Null).ReadExactly(json);
        return BackupManifest.Parse(json);
    }

    private static void Copy(BackupPart part, Stream from, Stream? to, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (buffer, size) = (new byte[BufferSize], 0L);
        for (int read; (read = from.Read(buffer)) > 0; size += read)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, read);
            to?.Write(buffer, 0, read);
        }
        if (size != part.Size || Convert.ToHexStringLower(hash.GetHashAndReset()) != part.Sha256)
            throw new BackupException($"{part.Name} is not what the backup's manifest says: the backup is damaged. Next: take another");
        if (to is FileStream file) file.Flush(flushToDisk: true);
    }

    private static bool IsDamage(Exception e) =>
        e is InvalidDataException or EndOfStreamException or FormatException or ArgumentException or OverflowException;

    private static BackupException Damaged(Exception e) => new($"the backup is damaged, or none: {e.Message}. Next: take another", e);
}

namespace Operos.Linux;

/// <summary>Files on FAT, such as a boot partition, that are wholly old or wholly new after a power cut.</summary>
public static class FatFile
{
    /// <summary>Replaces a file. What an owner or a mode would be is the mount's affair: FAT has none.</summary>
    public static void Write(string path, ReadOnlySpan<byte> contents)
    {
        // FAT says in a folder's entry where a file lies. After a rename over another file, vfat writes that entry with the file and not
        // with the folder, and meanwhile the replaced file's clusters are freed, to which the entry still leads. So they stay taken until
        // it is written.
        const FileShare Shared = FileShare.ReadWrite | FileShare.Delete;
        using var replaced = File.Exists(path) ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, Shared) : null;
        AtomicFile.Write(path, contents);
        using (var written = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, Shared)) RandomAccess.FlushToDisk(written);
        AtomicFile.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }
}

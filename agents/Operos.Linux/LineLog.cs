namespace Operos.Linux;

/// <summary>
/// A bounded file that lines are added to: <c>NAME.jsonl</c>. At a size it becomes <c>NAME.1.jsonl</c>, that one <c>NAME.2.jsonl</c>, and
/// the oldest goes. What a power cut or a full disk left of a line swallows none after it. Not for several threads at once.
/// </summary>
/// <param name="largest">Bytes of a file.</param>
/// <param name="isDurable">Whether each line is on the disk when it was added; else a power cut takes the last ones.</param>
/// <param name="torn">Told of the file whose last line was cut off, once.</param>
public sealed class LineLog(string folder, string name, long largest, bool isDurable, Action<string>? torn = null)
{
    private const int Files = 5;
    private bool opened;

    /// <param name="line">Without its end.</param>
    /// <exception cref="IOException">It cannot be written; nothing of it counts.</exception>
    public void Append(ReadOnlySpan<byte> line)
    {
        var path = PathOf(0);
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder, FileModes.PrivateFolder);
            AtomicFile.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(folder))!);
        }
        var isNew = !File.Exists(path);
        if (!isNew && new FileInfo(path) is { LinkTarget: null } file && file.Length + line.Length >= largest)
        {
            for (var number = Files - 2; number >= 0; number--)
                if (File.Exists(PathOf(number))) File.Move(PathOf(number), PathOf(number + 1), overwrite: true);
            isNew = true;
        }
        using (var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.Read, BufferSize = 0,
            UnixCreateMode = FileModes.Private,
        }))
        {
            var end = stream.CanSeek ? stream.Length : 0;
            var isTorn = end > 0 && IsTorn(stream, end);
            if (isTorn && !opened) torn?.Invoke(path);
            opened = true;
            stream.Seek(0, SeekOrigin.End);
            stream.Write([.. isTorn ? "\n"u8 : default, .. line, (byte)'\n']);
            if (isDurable) stream.Flush(flushToDisk: true);
        }
        if (isNew) AtomicFile.SyncFolder(folder);
    }

    /// <summary>All lines that are kept, the oldest first; also what is left of one that was cut off.</summary>
    public IEnumerable<string> Read() => Enumerable.Range(0, Files).Reverse().Select(PathOf).Where(File.Exists)
        .SelectMany(File.ReadLines).Where(line => line.Length > 0);

    private static bool IsTorn(FileStream stream, long end)
    {
        stream.Seek(end - 1, SeekOrigin.Begin);
        return stream.ReadByte() != '\n';
    }

    private string PathOf(int number) => Path.Combine(folder, number == 0 ? $"{name}.jsonl" : $"{name}.{number}.jsonl");
}

using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Controller.Operators;

/// <summary>
/// The operators' files: written atomically; a damaged one is set aside, and its operator is none until an admin makes it anew.
/// </summary>
internal sealed class OperatorStore(string folder, ILogger<OperatorStore> logger)
{
    private const string Suffix = ".json", DamagedSuffix = ".damaged";

    /// <summary>Whether no operator was ever recorded here, not even one whose file is damaged now.</summary>
    public bool IsNew => !Directory.Exists(folder) || Directory.EnumerateFiles(folder)
        .All(path => path.EndsWith(AtomicFile.PartialSuffix, StringComparison.Ordinal));

    /// <summary>Why records that <see cref="LoadAll"/> found could not be read.</summary>
    public IReadOnlyList<string> Unreadable { get; private set; } = [];

    /// <summary>All that can be read; the others' operators are none meanwhile.</summary>
    public IReadOnlyList<OperatorRecord> LoadAll()
    {
        var unreadable = new List<string>();
        Unreadable = unreadable;
        return !Directory.Exists(folder) ? [] : [.. Directory.GetFiles(folder, "*" + Suffix)
            .Select(path => Find(Path.GetFileNameWithoutExtension(path), unreadable)).OfType<OperatorRecord>()];
    }

    /// <param name="name">One that <see cref="OperatorRegistry.IsName"/> takes.</param>
    /// <exception cref="RecordFormatException">A newer version wrote it.</exception>
    public OperatorRecord? Load(string name)
    {
        var path = PathOf(name);
        if (!File.Exists(path)) return null;
        try
        {
            var record = RecordFile.Read(path, OperatorJson.Default.OperatorRecord, OperatorRecord.CurrentFormat);
            if (record?.Name != name || record.Certificates is null) throw new JsonException("its name is not its file's");
            return record;
        }
        catch (JsonException e)
        {
            File.Move(path, path + DamagedSuffix, overwrite: true);
            logger.RecordDamaged(path, path + DamagedSuffix, e.Message);
            return null;
        }
    }

    /// <summary>As <see cref="Load"/>, for one that came while we run: a newer version's counts for nothing.</summary>
    public OperatorRecord? Find(string name) => Find(name, null);

    private OperatorRecord? Find(string name, List<string>? unreadable)
    {
        try { return Load(name); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.OperatorUnknown(name, e.Message);
            unreadable?.Add(e.Message);
            return null;
        }
    }

    /// <exception cref="RecordFormatException">A newer version's record has its name.</exception>
    public void Save(OperatorRecord record)
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        var current = record with { Format = OperatorRecord.CurrentFormat };
        RecordFile.Write(PathOf(record.Name), current, OperatorJson.Default.OperatorRecord, OperatorRecord.CurrentFormat);
    }

    /// <summary>Says that a record could not be written and what that means.</summary>
    public void NotSaved(string name, IOException failure) => logger.SeenNotSaved(name, failure.Message);

    private string PathOf(string name) => Path.Combine(folder, name + Suffix);
}

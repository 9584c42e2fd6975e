using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Controller.Machines;

/// <summary>A machine whose record cannot be read: nothing is decided of it, and nobody else becomes it.</summary>
/// <param name="File">Where the record is.</param>
/// <param name="Reason">Why it cannot be read, with the way out.</param>
/// <param name="IsInPlace">Whether it stands where the machine's next record would be: then it is not replaced.</param>
internal sealed record UnreadableRecord(string Id, string File, string Reason, bool IsInPlace);

/// <summary>
/// The machines' files: written atomically. One that cannot be read is never lost and never in the way: a damaged one is set aside, all
/// others stay as they are.
/// </summary>
internal sealed class MachineStore(string folder, ILogger<MachineStore> logger)
{
    private const string Suffix = ".json", DamagedSuffix = ".damaged";
    private const string PutBack =
        "Next: put a sound copy in its place (operosctl backup list) and restart operos-controller, or approve the machine when it asks "
        + "to join; to forget it, remove the file and restart";

    /// <summary>What <see cref="LoadAll"/> found and could not read.</summary>
    public IReadOnlyList<UnreadableRecord> Unreadable { get; private set; } = [];

    /// <summary>All that can be read.</summary>
    public IReadOnlyList<MachineRecord> LoadAll()
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        var records = new Dictionary<string, MachineRecord>(StringComparer.Ordinal);
        var unreadable = new List<UnreadableRecord>();
        foreach (var path in Directory.GetFiles(folder, "*" + Suffix))
        {
            var id = Path.GetFileNameWithoutExtension(path);
            try { records[id] = Read(path, id); }
            catch (JsonException e) { SetAside(path, e.Message, unreadable); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                logger.RecordUnreadable(path, e.Message);
                unreadable.Add(new(id, path, e.Message, IsInPlace: true));
            }
        }
        foreach (var path in Directory.GetFiles(folder, "*" + Suffix + DamagedSuffix))
        {
            var id = Path.GetFileName(path)[..^(Suffix + DamagedSuffix).Length];
            if (!records.ContainsKey(id) && unreadable.All(other => other.Id != id))
                unreadable.Add(new(id, path, $"{path} is a damaged record that was set aside. {PutBack}", IsInPlace: false));
        }
        Unreadable = unreadable;
        return [.. records.Values];
    }

    /// <summary>Another set of records, in a folder below this one.</summary>
    public MachineStore Below(string name) => new(Path.Combine(folder, name), logger);

    /// <exception cref="RecordFormatException">A newer version's record has its name.</exception>
    public void Save(MachineRecord record)
    {
        var current = record with { Format = MachineRecord.CurrentFormat };
        RecordFile.Write(PathOf(record.Id), current, MachineJson.Default.MachineRecord, MachineRecord.CurrentFormat);
    }

    /// <summary>Says that a record could not be written.</summary>
    public void NotSaved(string id, string reason) => logger.RecordNotSaved(PathOf(id), reason);

    /// <summary>Removes a record, and a damaged one of the same machine that was set aside before it.</summary>
    public void Delete(string id)
    {
        RecordFile.RefuseNewer(PathOf(id), MachineRecord.CurrentFormat);
        File.Delete(PathOf(id) + DamagedSuffix);
        AtomicFile.Delete(PathOf(id));
    }

    private static MachineRecord Read(string path, string id)
    {
        var record = RecordFile.Read(path, MachineJson.Default.MachineRecord, MachineRecord.CurrentFormat);
        if (record?.Id != id) throw new JsonException("its id is not its file's name");
        if (!record.IsWhole()) throw new JsonException("a part of it is missing");
        return MachineWords.Bounded(record);
    }

    private void SetAside(string path, string reason, List<UnreadableRecord> unreadable)
    {
        var (id, aside) = (Path.GetFileNameWithoutExtension(path), path + DamagedSuffix);
        try { File.Move(path, aside, overwrite: true); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.RecordUnreadable(path, $"{reason}; it cannot be set aside: {e.Message}");
            unreadable.Add(new(id, path, $"{path} is damaged ({reason}) and cannot be set aside: {e.Message}", IsInPlace: true));
            return;
        }
        logger.RecordDamaged(path, aside, reason);
        unreadable.Add(new(id, aside, $"{path} is damaged and was set aside as {aside}: {reason}. {PutBack}", IsInPlace: false));
    }

    private string PathOf(string id) => Path.Combine(folder, id + Suffix);
}

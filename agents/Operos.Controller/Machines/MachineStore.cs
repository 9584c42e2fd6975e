using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Controller.Machines;

/// <summary>The machines' files: written atomically; a damaged one is set aside, never lost and never in the way.</summary>
internal sealed class MachineStore(string folder, ILogger<MachineStore> logger)
{
    private const string DamagedSuffix = ".damaged";

    /// <exception cref="RecordFormatException">A newer version wrote one: without it its machine would be taken for another.</exception>
    public IReadOnlyList<MachineRecord> LoadAll()
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        var records = new List<MachineRecord>();
        foreach (var path in Directory.EnumerateFiles(folder, "*.json"))
        {
            try
            {
                var record = RecordFile.Read(path, MachineJson.Default.MachineRecord, MachineRecord.CurrentFormat);
                if (record?.Id != Path.GetFileNameWithoutExtension(path)) throw new JsonException("its id is not its file's name");
                records.Add(MachineWords.Bounded(record));
            }
            catch (JsonException e)
            {
                File.Move(path, path + DamagedSuffix, overwrite: true);
                logger.RecordDamaged(path, path + DamagedSuffix, e.Message);
            }
        }
        return records;
    }

    /// <summary>Another set of records, in a folder below this one.</summary>
    public MachineStore Below(string name) => new(Path.Combine(folder, name), logger);

    /// <exception cref="RecordFormatException">A newer version's record has its name.</exception>
    public void Save(MachineRecord record)
    {
        var current = record with { Format = MachineRecord.CurrentFormat };
        RecordFile.Write(PathOf(record.Id), current, MachineJson.Default.MachineRecord, MachineRecord.CurrentFormat);
    }

    public void Delete(string id)
    {
        RecordFile.RefuseNewer(PathOf(id), MachineRecord.CurrentFormat);
        AtomicFile.Delete(PathOf(id));
    }

    private string PathOf(string id) => Path.Combine(folder, id + ".json");
}

using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Controller.Machines;

/// <summary>The machines' files: written atomically; a damaged one is set aside, never lost and never in the way.</summary>
internal sealed class MachineStore(string folder, ILogger<MachineStore> logger)
{
    private const string DamagedSuffix = ".damaged";

    public IReadOnlyList<MachineRecord> LoadAll()
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var records = new List<MachineRecord>();
        foreach (var path in Directory.EnumerateFiles(folder, "*.json"))
        {
            try
            {
                var record = JsonSerializer.Deserialize(File.ReadAllBytes(path), MachineJson.Default.MachineRecord);
                if (record?.Id != Path.GetFileNameWithoutExtension(path)) throw new JsonException("its id is not its file's name");
                records.Add(MachineWords.Bounded(record));
            }
            catch (JsonException e)
            {
                File.Move(path, path + DamagedSuffix, overwrite: true);
                logger.LogError("The record {File} is damaged and was set aside as {Aside}: {Reason}. Its machine is treated as new", path, path + DamagedSuffix, e.Message);
            }
        }
        return records;
    }

    /// <summary>Another set of records, in a folder below this one.</summary>
    public MachineStore Below(string name) => new(Path.Combine(folder, name), logger);

    public void Save(MachineRecord record) =>
        AtomicFile.Write(PathOf(record.Id), JsonSerializer.SerializeToUtf8Bytes(record, MachineJson.Default.MachineRecord));

    public void Delete(string id) => AtomicFile.Delete(PathOf(id));

    private string PathOf(string id) => Path.Combine(folder, id + ".json");
}

using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Controller.Jobs;

/// <summary>The jobs' files: written atomically; a damaged one is set aside, and its job is forgotten.</summary>
internal sealed class JobStore(string folder, ILogger<JobStore> logger)
{
    private const string Suffix = ".json", DamagedSuffix = ".damaged";

    /// <exception cref="RecordFormatException">A newer version wrote one: what it has begun is not known here.</exception>
    public IReadOnlyList<JobRecord> LoadAll()
    {
        var records = new List<JobRecord>();
        if (!Directory.Exists(folder)) return records;
        foreach (var path in Directory.GetFiles(folder, "*" + Suffix))
        {
            try
            {
                var record = RecordFile.Read(path, JobJson.Default.JobRecord, JobRecord.CurrentFormat);
                if (record?.Id != Path.GetFileNameWithoutExtension(path)) throw new JsonException("its id is not its file's name");
                records.Add(record);
            }
            catch (JsonException e)
            {
                File.Move(path, path + DamagedSuffix, overwrite: true);
                logger.RecordDamaged(path, path + DamagedSuffix, e.Message);
            }
        }
        return records;
    }

    public void Save(JobRecord record)
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        RecordFile.Write(PathOf(record.Id), record, JobJson.Default.JobRecord, JobRecord.CurrentFormat);
    }

    public void Delete(string id) => AtomicFile.Delete(PathOf(id));

    private string PathOf(string id) => Path.Combine(folder, id + Suffix);
}

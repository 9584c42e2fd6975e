using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Controller.Jobs;

/// <summary>
/// The jobs' files: written atomically; a damaged one is set aside, and its job is forgotten; one that cannot be read stays, and its job is
/// not gone on with.
/// </summary>
internal sealed class JobStore(string folder, ILogger<JobStore> logger)
{
    private const string Suffix = ".json", DamagedSuffix = ".damaged";

    /// <summary>Why records that <see cref="LoadAll"/> found could not be read.</summary>
    public IReadOnlyList<string> Unreadable { get; private set; } = [];

    /// <summary>All that can be read.</summary>
    public IReadOnlyList<JobRecord> LoadAll()
    {
        var (records, unreadable) = (new List<JobRecord>(), new List<string>());
        Unreadable = unreadable;
        if (!Directory.Exists(folder)) return records;
        foreach (var path in Directory.GetFiles(folder, "*" + Suffix))
        {
            try
            {
                var record = RecordFile.Read(path, JobJson.Default.JobRecord, JobRecord.CurrentFormat);
                if (record?.Id != Path.GetFileNameWithoutExtension(path)) throw new JsonException("its id is not its file's name");
                records.Add(record);
            }
            catch (JsonException e) { SetAside(path, e.Message, unreadable); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                logger.RecordUnreadable(path, e.Message);
                unreadable.Add(e.Message);
            }
        }
        return records;
    }

    /// <summary>A disk that takes nothing keeps no controller from starting: the file then stays where it is.</summary>
    private void SetAside(string path, string reason, List<string> unreadable)
    {
        try
        {
            File.Move(path, path + DamagedSuffix, overwrite: true);
            logger.RecordDamaged(path, path + DamagedSuffix, reason);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.RecordUnreadable(path, $"{reason}; it cannot be set aside: {e.Message}");
            unreadable.Add($"{path} is damaged ({reason}) and cannot be set aside: {e.Message}");
        }
    }

    public void Save(JobRecord record)
    {
        Directory.CreateDirectory(folder, FileModes.PrivateFolder);
        RecordFile.Write(PathOf(record.Id), record, JobJson.Default.JobRecord, JobRecord.CurrentFormat);
    }

    public void Delete(string id) => AtomicFile.Delete(PathOf(id));

    private string PathOf(string id) => Path.Combine(folder, id + Suffix);
}

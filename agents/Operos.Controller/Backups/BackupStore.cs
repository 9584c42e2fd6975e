using System.Globalization;
using Operos.Backup;
using Operos.Linux;

namespace Operos.Controller.Backups;

/// <summary>The backups on this controller's disk, a file each, such as <c>20261128T031500Z-daily.tar</c>.</summary>
internal sealed class BackupStore(string folder)
{
    public const string Daily = "daily", Manual = "manual";
    private const string Suffix = ".tar", TimeFormat = "yyyyMMdd'T'HHmmss'Z'";

    public string Folder => folder;

    /// <summary>The newest first.</summary>
    public IReadOnlyList<StoredBackup> All => !Directory.Exists(folder) ? [] :
    [
        .. Directory.GetFiles(folder, "*" + Suffix).Select(path => Path.GetFileNameWithoutExtension(path)).Where(IsName)
            .OrderDescending(StringComparer.Ordinal).Select(Look),
    ];

    /// <summary>When the newest of a kind was made; null where there is none.</summary>
    /// <param name="now">One of later was made by a clock that was wrong, and does not count.</param>
    public DateTimeOffset? Newest(string kind, DateTimeOffset now) => Names(kind).Select(TimeOf).FirstOrDefault(at => at <= now);

    /// <summary>What a backup of that time is called; of two in one second, the other is of the next.</summary>
    public string FreeName(DateTimeOffset at, string kind)
    {
        for (; ; at += TimeSpan.FromSeconds(1))
        {
            var name = $"{at.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}-{kind}";
            if (!File.Exists(PathOf(name))) return name;
        }
    }

    public string PathOf(string name) => Path.Combine(folder, name + Suffix);

    /// <summary>The file of a backup.</summary>
    /// <exception cref="RefusedException">There is none of that name.</exception>
    public string Find(string name) => IsName(name) && File.Exists(PathOf(name)) ? PathOf(name)
        : throw new RefusedException(RefusalKind.NotFound, $"no backup '{PrintableText.Line(name, 64)}'", "operosctl backup list");

    /// <summary>Takes away all but the newest of a kind.</summary>
    public void Prune(string kind, int kept, DateTimeOffset now)
    {
        foreach (var name in Names(kind).OrderBy(name => TimeOf(name) > now).Skip(kept).ToList()) AtomicFile.Delete(PathOf(name));
    }

    /// <summary>Takes away what an agent before this one left unfinished.</summary>
    public void Clear()
    {
        if (!Directory.Exists(folder)) return;
        foreach (var path in Directory.GetFiles(folder).Where(path => Path.GetFileName(path).Contains(AtomicFile.PartialSuffix,
            StringComparison.Ordinal))) File.Delete(path);
    }

    private IEnumerable<string> Names(string kind) => !Directory.Exists(folder) ? [] :
        Directory.GetFiles(folder, $"*-{kind}{Suffix}").Select(path => Path.GetFileNameWithoutExtension(path)).Where(IsName)
            .OrderDescending(StringComparer.Ordinal);

    private StoredBackup Look(string name)
    {
        try
        {
            using var file = File.OpenRead(PathOf(name));
            return new(name, file.Length, BackupArchive.ReadManifest(file), null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return new(name, 0, null, e.Message); }
    }

    private static bool IsName(string? name) =>
        name?.Split('-') is [_, Daily or Manual] && TimeOf(name) is not null;

    private static DateTimeOffset? TimeOf(string name) => DateTimeOffset.TryParseExact(name.Split('-')[0], TimeFormat,
        CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;
}

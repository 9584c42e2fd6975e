using System.Text.Json;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.Controller.Disks;

/// <summary>
/// Which disks are kept out, wherever they are put. Where that cannot be read no machine is told what to do with its disks: one that is
/// kept out must not be put to work.
/// </summary>
internal sealed class ExcludedDisks
{
    /// <summary>Each machine is told all of them, with each heartbeat.</summary>
    public const int Most = 512;

    private readonly string path;
    private readonly TimeProvider time;
    private readonly Lock disksLock = new();
    private readonly List<Exclusion> disks = [];
    /// <summary>The same by identity and machine, which each disk of the rack is looked up by.</summary>
    private readonly Dictionary<(string Identity, string? Machine), Exclusion> found = [];
    /// <summary>When each was added, of those that were since the controller began.</summary>
    private readonly Dictionary<Exclusion, long> added = [];
    /// <summary>When each machine was told last what it is to keep out, and when the time before.</summary>
    private readonly Dictionary<string, (long Last, long? Before)> told = new(StringComparer.Ordinal);

    public ExcludedDisks(string path, TimeProvider time, ILogger<ExcludedDisks> logger)
    {
        (this.path, this.time) = (path, time);
        if (!File.Exists(path)) return;
        try
        {
            var list = RecordFile.Read(path, DiskJson.Default.ExclusionList, ExclusionList.CurrentFormat);
            if (list?.Disks is null || list.Disks.Any(disk => disk is not { Identity: not null, By: not null }))
                throw new JsonException("a part of it is missing");
            Hold([.. list.Disks]);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            Trouble = $"{path}: {e.Message}. Next: put a sound copy in its place (operosctl backup list), or remove it where no disk is "
                + "to be kept out, and restart operos-controller";
            logger.ExclusionsUnknown(Trouble);
        }
    }

    /// <summary>Why they are not known, with the way out; null where they are.</summary>
    public string? Trouble { get; }

    public IReadOnlyList<Exclusion> All
    {
        get { lock (disksLock) return [.. disks]; }
    }

    /// <summary>Null where it is not kept out there.</summary>
    public Exclusion? Find(string identity, string machine)
    {
        lock (disksLock) return found.GetValueOrDefault((identity, null)) ?? found.GetValueOrDefault((identity, machine));
    }

    /// <summary>
    /// Whether a machine surely keeps it out: it asked again after the answer that told it so. Until then it may still act by what it was
    /// told before.
    /// </summary>
    public bool IsHeard(Exclusion exclusion, string machine)
    {
        lock (disksLock)
            return told.TryGetValue(machine, out var at) && at.Before is { } before && before > added.GetValueOrDefault(exclusion);
    }

    /// <summary>The identities that a machine is to keep out, which it is told now.</summary>
    public IReadOnlyList<string> TellTo(string machine)
    {
        lock (disksLock)
        {
            told[machine] = (time.GetTimestamp(), told.TryGetValue(machine, out var before) ? before.Last : null);
            return [.. disks.Where(disk => disk.Machine is null || disk.Machine == machine).Select(disk => disk.Identity)];
        }
    }

    /// <param name="place">What names it in its machine when its record is wiped; null where it has a name of its own.</param>
    /// <exception cref="RefusedException">There are too many, or it cannot be written.</exception>
    public void Add(string identity, string? place, string machine, string by, string where)
    {
        lock (disksLock)
        {
            var names = ((string?[])[identity, place]).OfType<string>().Where(name => Find(name, machine) is null);
            List<Exclusion> those = [.. names.Select(name => new Exclusion
            {
                Identity = name, For = name == place ? identity : null, Machine = IsOfPlace(name) ? machine : null, By = by,
                At = time.GetUtcNow(), Where = where,
            })];
            if (disks.Count + those.Count > Most)
                throw new RefusedException(RefusalKind.Conflict, $"{Most} disks are kept out already",
                    "operosctl disks reclaim those that are no longer there");
            if (those.Count > 0) Write([.. disks, .. those]);
            foreach (var exclusion in those) added[exclusion] = time.GetTimestamp();
        }
    }

    /// <summary>Ends it, for their places, too.</summary>
    /// <exception cref="RefusedException">It cannot be written.</exception>
    public void Remove(params IReadOnlyList<Exclusion> those)
    {
        lock (disksLock)
        {
            var gone = disks.Where(disk => those.Any(one => one == disk || one.Identity == disk.For)).ToList();
            Write([.. disks.Except(gone)]);
            foreach (var disk in gone) added.Remove(disk);
        }
    }

    /// <summary>Whether an identity is a place, which each machine has for itself.</summary>
    public static bool IsOfPlace(string identity) => identity.StartsWith("at:", StringComparison.Ordinal);

    private void Write(List<Exclusion> after)
    {
        if (Trouble is { } trouble) throw new RefusedException(RefusalKind.Conflict, "nothing was changed: " + trouble);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, FileModes.PrivateFolder);
            RecordFile.Write(path, new ExclusionList { Disks = after }, DiskJson.Default.ExclusionList, ExclusionList.CurrentFormat);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LinuxException)
        {
            throw new RefusedException(RefusalKind.Conflict, $"nothing was changed: {path} cannot be written: {e.Message}",
                "make room on the controller's disk; operosctl status says why");
        }
        Hold(after);
    }

    private void Hold(List<Exclusion> those)
    {
        disks.Clear();
        disks.AddRange(those);
        found.Clear();
        foreach (var disk in those) found[(disk.Identity, disk.Machine)] = disk;
    }
}

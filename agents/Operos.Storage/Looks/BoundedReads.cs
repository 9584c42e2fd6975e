using System.Diagnostics;

namespace Operos.Storage.Looks;

/// <summary>
/// Reads of a disk that may be failing: what cannot be read is noted, and after so many failures or so long nothing more is read.
/// </summary>
internal sealed class BoundedReads(IDiskBytes disk, TimeSpan longest, CancellationToken cancellationToken)
{
    /// <summary>A disk tries each sector that it cannot read for seconds.</summary>
    public const int MostFailures = 16;

    private readonly long started = Stopwatch.GetTimestamp();
    private readonly List<string> failures = [];

    public long DiskBytes => disk.Bytes;

    /// <summary>Bytes that were read.</summary>
    public long Total { get; private set; }

    /// <summary>What could not be read, in words; the first of it.</summary>
    public IReadOnlyList<string> Failures => failures;

    /// <summary>Why no more is read, in words; null where all was.</summary>
    public string? GivenUp { get; private set; }

    /// <summary>Whether exactly so many bytes could be read; they are valid until the next read.</summary>
    public bool TryRead(long offset, int length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        cancellationToken.ThrowIfCancellationRequested();
        if (GivenUp is not null) return false;
        if (Stopwatch.GetElapsedTime(started) > longest)
        {
            GivenUp = $"reading it took longer than {longest.TotalSeconds:0} s";
            return false;
        }
        try
        {
            bytes = disk.Read(offset, length);
            Total += bytes.Length;
            if (bytes.Length == length) return true;
            Note($"{OffsetText.Of(offset)}: it ends {length - bytes.Length} bytes too early");
        }
        catch (IOException e) { Note($"{OffsetText.Of(offset)}: {e.Message}"); }
        bytes = default;
        return false;
    }

    private void Note(string failure)
    {
        failures.Add(failure);
        if (failures.Count == MostFailures) GivenUp = $"{MostFailures} reads failed";
    }
}

namespace Operos.Storage.Records;

/// <summary>Both copies of a disk's record, and what they say together.</summary>
/// <param name="First">The one near the start.</param>
/// <param name="Second">The one near the end; where a disk grew, near its former end.</param>
public sealed record DiskRecords(RecordCopy First, RecordCopy Second)
{
    /// <summary>Of a disk that grew: what stands where the second copy goes now. Null where it did not grow.</summary>
    public RecordCopy? Ahead { get; init; }

    /// <summary>Of a disk that is too small for any.</summary>
    public static DiskRecords None { get; } = new(new RecordCopy(RecordState.Blank), new RecordCopy(RecordState.Blank));

    /// <summary>What holds: the newest that is whole; null where none is.</summary>
    public DiskRecord? Current => (First.Record, Second.Record) switch
    {
        ({ } one, { } other) => one.Sequence >= other.Sequence ? one : other,
        ({ } one, null) => one,
        (null, var other) => other,
    };

    /// <summary>Whether anything of a record is there.</summary>
    public bool Any => IsOne(First) || IsOne(Second);

    /// <summary>Why they are not to be relied on, in words; null where they are, or where there is none.</summary>
    public string? Contradiction
    {
        get
        {
            if (First.State == RecordState.Newer || Second.State == RecordState.Newer)
                return "its record was written by a newer version of Operos";
            if (First.Record is { } one && Second.Record is { } other && (one.Cluster != other.Cluster || one.Disk != other.Disk))
                return "the two copies of its record are of different disks";
            if (Current is not null && (First.State == RecordState.Foreign || Second.State == RecordState.Foreign))
                return "one copy of its record was overwritten with something else";
            if (Ahead is not (null or { State: RecordState.Blank or RecordState.Unreadable })
                && (Ahead.State != RecordState.Torn || Ahead.TornCluster != Current?.Cluster))
                return "it grew, and something else stands where its record goes now";
            return null;
        }
    }

    /// <summary>What is amiss and does no harm, in words.</summary>
    public IEnumerable<string> Notes
    {
        get
        {
            if (Current is null) yield break;
            foreach (var (copy, name) in new[] { (First, "first"), (Second, "second") })
            {
                if (copy.State is RecordState.Blank or RecordState.Torn or RecordState.Unreadable)
                    yield return $"the {name} copy of its record is {copy.State switch
                    {
                        RecordState.Blank => "not there",
                        RecordState.Torn => "torn",
                        _ => "unreadable",
                    }}: the other one holds";
            }
        }
    }

    private static bool IsOne(RecordCopy copy) => copy.State is RecordState.Whole or RecordState.Torn or RecordState.Newer;
}

namespace Operos.Storage.Records;

/// <summary>
/// Writes a disk's record: one copy, and when that is on the medium the other. Whatever is cut, one copy is whole, the former or the new
/// one; only the very first can be torn, and a torn one tells its cluster.
/// </summary>
public static class DiskRecordWriter
{
    /// <summary>Reads what stands on a disk.</summary>
    /// <exception cref="IOException">Neither place can be read.</exception>
    public static DiskRecords Read(IDiskBytes disk)
    {
        if (DiskRecord.PlacesOn(disk.Bytes) is not [var first, var second]) return DiskRecords.None;
        var (one, other) = (ReadCopy(disk, first), ReadCopy(disk, second));
        RecordCopy? ahead = null;
        // A disk that grew has the second copy where its end was, until one is written of its new size.
        if (FormerPlace(one.Record, disk.Bytes) is { } former && !IsNewer(other.Record, one.Record))
            (other, ahead) = (ReadCopy(disk, former), other);
        if (one.State == RecordState.Unreadable && other.State == RecordState.Unreadable)
            throw new IOException("neither place of the disk's record can be read");
        return new DiskRecords(one, other) { Ahead = ahead };
    }

    /// <summary>Where the second copy is of a record that is of a smaller disk; null where it is where it belongs.</summary>
    private static long? FormerPlace(DiskRecord? record, long bytes) =>
        record is not null && record.Bytes < bytes && DiskRecord.PlacesOn(record.Bytes) is [_, var former]
            && former != DiskRecord.PlacesOn(bytes)[1] ? former : null;

    private static bool IsNewer(DiskRecord? one, DiskRecord? other) => one is not null && other is not null
        && one.Disk == other.Disk && one.Cluster == other.Cluster && one.Sequence > other.Sequence;

    /// <summary>Replaces the record, or writes the first where both places are erased.</summary>
    /// <exception cref="IOException">Something else stands there, or it cannot be written.</exception>
    public static void Write(IDiskBlocks disk, DiskRecord record)
    {
        if (record.Bytes != disk.Bytes) throw new ArgumentException($"the record is of a disk of {record.Bytes} bytes, not {disk.Bytes}");
        if (DiskRecord.PlacesOn(disk.Bytes) is not [var first, var second])
            throw new IOException($"a disk of {disk.Bytes} bytes is too small for a record");
        var found = Read(disk);
        Refuse(found.First, record, found.Current is not null);
        Refuse(found.Second, record, found.Current is not null);
        if (found.Contradiction is { } contradiction) throw new IOException($"the disk's record is left as it is: {contradiction}");
        // The copy that does not hold is replaced first: the one that does stays whole until the other is on the medium.
        var firstHolds = found.First.Record is not null && found.First.Record == found.Current;
        foreach (var (place, copy) in firstHolds ? [(second, 1), (first, 0)] : new[] { (first, 0), (second, 1) })
        {
            // Only the first copy tells where a disk that grew has its former second one: that goes before it.
            if (copy == 0 && FormerPlace(found.First.Record, disk.Bytes) is { } former
                && ReadCopy(disk, former).Record?.Disk == record.Disk) disk.Write(former, new byte[ErasePattern.Block]);
            var block = new byte[ErasePattern.Block];
            record.ToBytes(copy).CopyTo(block, 0);
            disk.Write(place, block);
            disk.Flush();
        }
    }

    /// <summary>Writes a record over whatever stands in its places: of a disk that is to be wiped.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    internal static void Overwrite(IDiskBlocks disk, DiskRecord record)
    {
        if (record.Work != DiskWork.Wiping) throw new ArgumentException($"a record of {record.Work}");
        var places = DiskRecord.PlacesOn(disk.Bytes);
        for (var copy = 0; copy < places.Count; copy++)
        {
            var block = new byte[ErasePattern.Block];
            record.ToBytes(copy).CopyTo(block, 0);
            disk.Write(places[copy], block);
            disk.Flush();
        }
    }

    private static void Refuse(RecordCopy copy, DiskRecord record, bool otherHolds)
    {
        var reason = copy switch
        {
            { State: RecordState.Foreign } => "something else stands there",
            { Record: { } old } when old.Cluster != record.Cluster => "the disk is another cluster's",
            { Record: { } old } when old.Disk != record.Disk => "the disk has another id",
            { Record: { } old } when old.Sequence >= record.Sequence =>
                $"it has sequence {old.Sequence}, and the new one {record.Sequence}",
            { State: RecordState.Torn } when !otherHolds && copy.TornCluster != record.Cluster =>
                "a torn record of another cluster stands there",
            _ => null,
        };
        if (reason is not null) throw new IOException($"the disk's record is not written: {reason}");
    }

    private static RecordCopy ReadCopy(IDiskBytes disk, long place)
    {
        try { return DiskRecord.Parse(disk.Read(place, ErasePattern.Block)); }
        catch (IOException) { return new RecordCopy(RecordState.Unreadable); }
    }
}

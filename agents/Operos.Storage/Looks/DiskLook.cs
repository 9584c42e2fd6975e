using System.Buffers.Binary;
using System.Security.Cryptography;
using Operos.Linux;
using Operos.Storage.Records;
using Operos.Storage.Signatures;

namespace Operos.Storage.Looks;

/// <summary>Looks at a disk: reads, mounts nothing, changes nothing.</summary>
public static class DiskLook
{
    /// <summary>After so long no more is read of a disk.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    /// <summary>How long a single read that hangs in the kernel is waited for beyond that.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>How long a disk is waited for in all: one that answers no more keeps no other from its work.</summary>
    internal static readonly TimeSpan Patience = Longest + Grace;

    /// <summary>Looks at a device or an image; what cannot be opened or does not answer is evidence too.</summary>
    /// <param name="path">Such as <c>/dev/sda</c>.</param>
    public static async Task<DiskEvidence> TakeAsync(string path, DiskFacts facts, CancellationToken cancellationToken)
    {
        // A thread of its own: a disk that does not answer keeps it.
        var look = Task.Factory.StartNew(() => Open(path, facts, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        try { return await look.WaitAsync(Patience, cancellationToken).ConfigureAwait(false); }
        catch (TimeoutException)
        {
            return new DiskEvidence { Facts = facts, GivenUp = $"it did not answer within {Patience.TotalSeconds:0} s" };
        }
    }

    private static DiskEvidence Open(string path, DiskFacts facts, CancellationToken cancellationToken)
    {
        try
        {
            using var device = BlockDevice.Open(path);
            var sector = device.IsDevice ? facts with { LogicalSector = device.LogicalSector, PhysicalSector = device.PhysicalSector,
                IsReadOnly = facts.IsReadOnly || device.IsReadOnly } : facts;
            return Take(new DeviceBytes(device), sector, cancellationToken);
        }
        catch (IOException e) { return new DiskEvidence { Facts = facts, GivenUp = $"it cannot be opened: {e.Message}" }; }
    }

    /// <summary>Looks at bytes.</summary>
    public static DiskEvidence Take(IDiskBytes bytes, DiskFacts facts, CancellationToken cancellationToken)
    {
        var reads = new BoundedReads(bytes, Longest, cancellationToken);
        var signatures = SignatureSearch.Find(reads);
        var (tables, headers) = ReadTables(reads, signatures);
        signatures = [.. signatures.Where(signature => !IsOfTable(signature, tables)), .. headers];
        DiskRecords records;
        try { records = DiskRecordWriter.Read(bytes); }
        catch (IOException) { records = new(new RecordCopy(RecordState.Unreadable), new RecordCopy(RecordState.Unreadable)); }
        var ends = EndsOf(reads);
        IReadOnlyList<Extent> remains = records.Current is { } record && IsBeingSetUp(record, tables)
            ? TableRemains.Find(reads, record.Table) : [];
        DiskContent? content = null;
        if (records.Current is { } current ? IsBeingSetUp(current, tables) : signatures.Count == 0)
        {
            IEnumerable<Extent> own = records.Any
                ? DiskRecord.PlacesOn(bytes.Bytes).Select(place => new Extent(place, ErasePattern.Block)) : [];
            content = ContentScan.Run(reads, [.. own, .. remains]);
        }
        return new DiskEvidence
        {
            Facts = facts, Bytes = bytes.Bytes, Signatures = signatures, Tables = tables, Records = records, Content = content,
            Remains = remains, Ends = ends,
            Failures = [.. reads.Failures], GivenUp = reads.GivenUp, BytesRead = reads.Total,
        };
    }

    /// <summary>
    /// Whether nothing need stand on a disk of ours yet but its record and its table: until its partitions are made, and where its table is
    /// not whole until they are in use.
    /// </summary>
    private static bool IsBeingSetUp(DiskRecord record, List<GuidPartitionTable> tables) => record.Work == DiskWork.Claimed
        || (record.Work is DiskWork.Partitioned or DiskWork.Formatted
            && tables.All(table => table.IsBackup || table.Id != record.Table));

    private static string? EndsOf(BoundedReads reads)
    {
        const int length = BlockDevice.LongestRead;
        Span<byte> offset = stackalloc byte[sizeof(long)];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var place in (long[])[0, Math.Max(0, reads.DiskBytes - length)])
        {
            if (!reads.TryRead(place, (int)Math.Min(length, reads.DiskBytes), out var bytes)) return null;
            // Most of it is zeros: each block that is not counts with its place.
            for (var at = 0; at < bytes.Length; at += ErasePattern.Block)
            {
                var block = bytes.Slice(at, Math.Min(ErasePattern.Block, bytes.Length - at));
                if (!block.ContainsAnyExcept((byte)0)) continue;
                BinaryPrimitives.WriteInt64LittleEndian(offset, place + at);
                hash.AppendData(offset);
                hash.AppendData(block);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The tables that the headers lead to; beside them the headers that only another table knew of.</summary>
    private static (List<GuidPartitionTable> Tables, List<Signature> Headers) ReadTables(BoundedReads reads,
        IReadOnlyList<Signature> signatures)
    {
        var tables = new List<GuidPartitionTable>();
        foreach (var signature in signatures.Where(signature => signature.Name == PartitionTables.Gpt))
        {
            foreach (var sector in (int[])[512, 4096])
            {
                if (GuidPartitionTable.Read(reads, signature.Offset, sector) is { } table) tables.Add(table);
            }
        }
        // A disk that grew has the backup where its end was.
        var headers = new List<Signature>();
        foreach (var table in tables.ToList())
        {
            if (tables.Any(other => other.Header == table.Alternate)
                || GuidPartitionTable.Read(reads, table.Alternate, table.Sector) is not { } other) continue;
            tables.Add(other);
            headers.Add(new(PartitionTables.Gpt, SignatureKind.PartitionTable, other.Header, other.Header));
        }
        return (tables, headers);
    }

    /// <summary>Whether it is only what a whole table's own bytes happen to look like: identifiers in it are random.</summary>
    private static bool IsOfTable(Signature signature, List<GuidPartitionTable> tables) => signature.Name != PartitionTables.Gpt
        && tables.Any(table => (signature.At >= table.Header && signature.At < table.Header + table.Sector)
            || (signature.At >= table.Entries && signature.At < table.Entries + table.EntriesLength));
}

using Operos.Storage.Looks;

namespace Operos.Storage.Work;

/// <summary>Looks at a partition of a disk of ours, by the same places as at a disk.</summary>
public static class PartitionLook
{
    private const int MostNamed = 4;

    /// <summary>Why it is not provably blank, in words; null where every place was read, and is erased.</summary>
    public static async Task<string?> WhyNotBlankAsync(OwnPartition partition, CancellationToken cancellationToken)
    {
        var facts = new DiskFacts { Name = DiskFacts.NameOf(partition.Path), Bytes = partition.Bytes };
        var look = await DiskLook.TakeAsync(partition.Path, facts, cancellationToken).ConfigureAwait(false);
        return WhyNotBlank(look);
    }

    /// <summary>The same of what was read.</summary>
    public static string? WhyNotBlank(DiskEvidence look)
    {
        if (look.GivenUp is { } reason) return reason;
        if (look.Failures is [var failure, ..]) return $"it cannot be read at {failure}";
        if (look.Bytes != look.Facts.Bytes) return $"the table says {look.Facts.Bytes} bytes, and the kernel {look.Bytes}";
        if (look.Signatures.Count > 0)
            return string.Join(", ", look.Signatures.Take(MostNamed).Select(found => $"{found.Name} at {OffsetText.Of(found.Offset)}"));
        if (look.Records.Any) return "the record of a disk stands there";
        if (look.Content is not { } content) return "what it holds was not read";
        if (content.Written.Count > 0)
            return $"it holds data of no form that is known, at {string.Join(", ", content.Written.Select(OffsetText.Of))}";
        return content.IsComplete ? null : "not every place where something would stand could be read";
    }
}

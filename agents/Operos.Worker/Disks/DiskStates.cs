using Operos.Proto;
using Operos.Storage.Classes;
using Operos.Storage.Records;
using Operos.Storage.Reports;
using Operos.Storage.Wipes;

namespace Operos.Worker.Disks;

/// <summary>What is told of a disk.</summary>
internal static class DiskStates
{
    private const int MostReasons = 32, MostSignatures = 64;

    /// <param name="uses">What its partitions are used for; none where it is not ours.</param>
    /// <param name="failure">What failed of it; null where nothing did.</param>
    public static DiskState Of(DiskVerdict verdict, IReadOnlyList<DiskUse> uses, string? failure = null)
    {
        var report = DiskReport.Of(verdict);
        return new DiskState
        {
            Name = report.Name, Identity = DiskIdentity.Of(verdict.Evidence.Facts, verdict.Record), Class = report.Class,
            Reasons = [.. report.Reasons.Take(MostReasons)], Bytes = report.Bytes, LogicalSector = report.LogicalSector,
            Rotational = report.IsRotational, Transport = report.Transport, Model = report.Model, Serial = report.Serial, Wwn = report.Wwn,
            Signatures = [.. report.Signatures.Take(MostSignatures)
                .Select(signature => new DiskSignature { Name = signature.Name, Offset = signature.Offset })],
            RecordDisk = report.Disk, RecordMachine = report.Machine, Evidence = SeenEvidence.Of(verdict), Uses = uses, Failure = failure,
            Place = DiskIdentity.WithoutRecord(verdict.Evidence.Facts, verdict.Record),
            WipeCut = verdict.Record?.Work == DiskWork.Wiping,
        };
    }
}

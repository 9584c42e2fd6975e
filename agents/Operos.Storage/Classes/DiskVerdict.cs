using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Classes;

/// <summary>What a disk is, and why, in words for an operator.</summary>
public sealed record DiskVerdict(DiskClass Class, IReadOnlyList<string> Reasons, DiskEvidence Evidence)
{
    /// <summary>The record that holds; null where there is none.</summary>
    public DiskRecord? Record => Evidence.Records.Current;

    /// <summary>Whether another machine of this cluster put it to work: it moved.</summary>
    public bool IsAnotherMachines { get; init; }
}

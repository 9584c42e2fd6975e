using Operos.Storage.Looks;
using Operos.Storage.Records;

namespace Operos.Storage.Wipes;

/// <summary>How a disk is named in orders: by what stays the same in another slot.</summary>
public static class DiskIdentity
{
    /// <summary>The longest one, in characters.</summary>
    public const int Longest = 200;

    private const string RecordKind = "disk:";

    /// <summary>What a disk's identity is without its record, where that is all that names it; null where it has another name.</summary>
    public static string? WithoutRecord(DiskFacts facts, DiskRecord? record) =>
        IsByRecord(Of(facts, record)) ? Of(facts, null) : null;

    /// <summary>Whether nothing but its record gives a disk this name.</summary>
    public static bool IsByRecord(string identity) => identity.StartsWith(RecordKind, StringComparison.Ordinal);

    /// <summary>
    /// <c>wwn:NAME</c>, else <c>serial:MODEL/SERIAL</c>, else <c>disk:ID</c> by its record, else <c>at:PLACE</c>, how it is attached.
    /// Not unique: some vendors give one name to many disks.
    /// </summary>
    public static string Of(DiskFacts facts, DiskRecord? record)
    {
        var identity = facts switch
        {
            { Wwn: { Length: > 0 } wwn } => $"wwn:{wwn}",
            { Serial: { Length: > 0 } serial } => $"serial:{facts.Model}/{serial}",
            _ when record is not null => $"{RecordKind}{record.Disk}",
            _ => $"at:{facts.Attachment ?? facts.Name}",
        };
        // One word on a command line.
        identity = identity.Replace(' ', '_');
        return identity.Length <= Longest ? identity : identity[..Longest];
    }
}

using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>Makes a backup of the controller now. Answered by <see cref="BackupReply"/> when it is whole.</summary>
public sealed record CreateBackup : Message;

/// <summary>Reads all of a backup and compares it with its manifest. Answered by <see cref="BackupReply"/>.</summary>
public sealed record VerifyBackup : Message
{
    [Key(0)] public required string Name { get; init; }
}

public sealed record BackupReply : Message
{
    [Key(0)] public required BackupSummary Backup { get; init; }
}

/// <summary>Answered by <see cref="BackupList"/>.</summary>
public sealed record ListBackups : Message;

public sealed record BackupList : Message
{
    /// <summary>The newest first.</summary>
    [Key(0)] public required IReadOnlyList<BackupSummary> Backups { get; init; }
    /// <summary>When the next is made by itself; 0 where none is.</summary>
    [Key(1)] public long NextUnixMs { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Backups);
}

/// <summary>A backup on the controller's disk.</summary>
public sealed record BackupSummary
{
    [Key(0)] public required string Name { get; init; }
    [Key(1)] public required long SizeBytes { get; init; }
    [Key(2)] public long CreatedUnixMs { get; init; }
    /// <summary><c>daily</c> or <c>manual</c>.</summary>
    [Key(3)] public string? Kind { get; init; }
    /// <summary>The release that the controller ran.</summary>
    [Key(4)] public string? Release { get; init; }
    /// <summary>The revision of etcd's snapshot; 0 where it has none.</summary>
    [Key(5)] public long Revision { get; init; }
    [Key(6)] public int Files { get; init; }
    /// <summary>SHA-256 of the certificate of the cluster's authority, hex.</summary>
    [Key(7)] public string? Cluster { get; init; }
    /// <summary>Why it cannot be read; null where it can.</summary>
    [Key(8)] public string? Problem { get; init; }
}

/// <summary>Asks to read a backup, with the cluster's keys in it. Answered by <see cref="BackupTicket"/>.</summary>
public sealed record OpenBackup : Message
{
    [Key(0)] public required string Name { get; init; }
}

/// <summary>With it the operator whose it is reads the backup, for an hour.</summary>
public sealed record BackupTicket : Message
{
    [Key(0)] public required string Ticket { get; init; }
    [Key(1)] public required long SizeBytes { get; init; }
}

/// <summary>Answered by <see cref="BackupData"/>.</summary>
public sealed record ReadBackup : Message
{
    [Key(0)] public required string Ticket { get; init; }
    /// <summary>In bytes.</summary>
    [Key(1)] public required long Offset { get; init; }
}

public sealed record BackupData : Message
{
    /// <summary>Empty at the end.</summary>
    [Key(0)] public required byte[] Data { get; init; }
}

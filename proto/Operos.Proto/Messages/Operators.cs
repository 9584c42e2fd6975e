using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>What an operator may do; each role may all that the one before it may.</summary>
public enum OperatorRole
{
    /// <summary>See everything, change nothing.</summary>
    Viewer = 0,
    /// <summary>Admit, name, label, reboot and remove machines; wipe disks.</summary>
    Operator = 1,
    /// <summary>Make and revoke operators, issue credentials of Kubernetes, and all else.</summary>
    Admin = 2,
}

/// <summary>Answered by <see cref="OperatorList"/>.</summary>
public sealed record ListOperators : Message;

public sealed record OperatorList : Message
{
    [Key(0)] public required IReadOnlyList<OperatorSummary> Operators { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Operators);
}

/// <summary>A person or program that may operate the cluster.</summary>
public sealed record OperatorSummary
{
    [Key(0)] public required string Name { get; init; }
    [Key(1)] public required OperatorRole Role { get; init; }
    [Key(2)] public long CreatedUnixMs { get; init; }
    /// <summary>Who made it: an operator's name, <c>setup</c>, or <c>console</c>.</summary>
    [Key(3)] public string CreatedBy { get; init; } = "";
    /// <summary>When the last of its certificates expires; 0 where none is known.</summary>
    [Key(4)] public long ExpiresUnixMs { get; init; }
    /// <summary>Its last request, to the hour where that was before the controller's agent began; 0 for none.</summary>
    [Key(5)] public long LastSeenUnixMs { get; init; }
    /// <summary>0 while it is none.</summary>
    [Key(6)] public long RevokedUnixMs { get; init; }
    /// <summary>The operator who asks.</summary>
    [Key(7)] public bool Self { get; init; }
    /// <summary>Its certificate should have been renewed by use and was not.</summary>
    [Key(8)] public bool ExpiresSoon { get; init; }
}

/// <summary>Makes an operator and its first certificate. Answered by <see cref="OperatorCredentials"/>.</summary>
public sealed record AddOperator : Message
{
    /// <summary>1 to 63 of a-z, 0-9 and . _ @ -, a letter or digit first and last.</summary>
    [Key(0)] public required string Name { get; init; }
    [Key(1)] public required OperatorRole Role { get; init; }
    /// <summary>PKCS #10, DER; the key stays where it was made, and the controller writes the names.</summary>
    [Key(2)] public required byte[] Csr { get; init; }
    /// <summary>How long a certificate lasts, in seconds; 0 for a year. A renewed one lasts as long.</summary>
    [Key(3)] public long LifeSeconds { get; init; }
}

/// <summary>A further certificate of an operator. Answered by <see cref="OperatorCredentials"/>.</summary>
public sealed record RenewOperator : Message
{
    /// <summary>Empty for the operator who asks; another's is an admin's to renew.</summary>
    [Key(0)] public string Name { get; init; } = "";
    [Key(1)] public required byte[] Csr { get; init; }
}

public sealed record OperatorCredentials : Message
{
    /// <summary>X.509, DER.</summary>
    [Key(0)] public required byte[] Certificate { get; init; }
    [Key(1)] public required string Name { get; init; }
    [Key(2)] public required OperatorRole Role { get; init; }
    /// <summary>The control endpoint as it is reached from outside, such as <c>10.77.0.1:7443</c>.</summary>
    [Key(3)] public required string Endpoint { get; init; }
}

/// <summary>Ends all certificates and connections of an operator, at once. Answered by <see cref="Done"/>.</summary>
public sealed record RevokeOperator : Message
{
    [Key(0)] public required string Name { get; init; }
}

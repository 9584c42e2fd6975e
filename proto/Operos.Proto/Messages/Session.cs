using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>The first message on every connection, sent by the side that connected.</summary>
public sealed record Hello : Message
{
    /// <summary>The oldest version that the sender speaks; one that sends no <see cref="NewestVersion"/> speaks this one alone.</summary>
    [Key(0)] public required int ProtocolVersion { get; init; }
    /// <summary>Program and version, such as <c>operos-worker/0.1.0</c>.</summary>
    [Key(1)] public required string Agent { get; init; }
    /// <summary>The newest version that the sender speaks; 0 where it is the oldest, too.</summary>
    [Key(3)] public int NewestVersion { get; init; }
}

public sealed record HelloReply : Message
{
    /// <summary>The version that both speak from now on: the newest that both know.</summary>
    [Key(0)] public required int ProtocolVersion { get; init; }
    [Key(1)] public required string Agent { get; init; }
    /// <summary>The controller's clock, milliseconds since the Unix epoch.</summary>
    [Key(2)] public required long UnixTimeMs { get; init; }
}

/// <summary>An operation failed. <see cref="Code"/> is one of <see cref="FaultCode"/>; the hint is the operator's next step.</summary>
public sealed record Fault : Message
{
    [Key(0)] public required string Code { get; init; }
    [Key(1)] public required string Text { get; init; }
    [Key(2)] public string? Hint { get; init; }
    /// <summary>When trying again makes sense: seconds to wait first; 0 where it does not.</summary>
    [Key(3)] public int RetryAfterSeconds { get; init; }
}

/// <summary>The stable codes of <see cref="Fault"/>.</summary>
public static class FaultCode
{
    public const string BadRequest = "bad-request";
    public const string Version = "version";
    public const string Unauthorized = "unauthorized";
    public const string NotFound = "not-found";
    public const string Conflict = "conflict";
    public const string Busy = "busy";
    /// <summary>The answer does not fit into a frame: nothing was lost, but less must be asked for.</summary>
    public const string TooLarge = "too-large";
    public const string Internal = "internal";
}

/// <summary>An operation succeeded; the text says what was done.</summary>
public sealed record Done : Message
{
    [Key(0)] public required string Text { get; init; }
}

/// <summary>Answered by <see cref="Done"/>: proves that the peer is alive.</summary>
public sealed record Ping : Message;

namespace Operos.Controller;

/// <summary>Why something that was asked for is not done.</summary>
internal enum RefusalKind
{
    /// <summary>What was asked makes no sense, whatever the state of things.</summary>
    Invalid,
    /// <summary>There is no such machine, operator or job.</summary>
    NotFound,
    /// <summary>Things are not so that it can be done.</summary>
    Conflict,
    /// <summary>Whoever asks may not.</summary>
    Forbidden,
}

/// <summary>
/// Something that was asked for is refused, and nothing was changed. Stores and decisions throw it; how a refusal is told to whoever asked
/// is the business of what answers them.
/// </summary>
internal sealed class RefusedException(RefusalKind kind, string text, string? hint = null) : Exception(text)
{
    public RefusalKind Kind { get; } = kind;

    /// <summary>The next step, for a person.</summary>
    public string? Hint { get; } = hint;
}

namespace Operos.Ctl;

/// <summary>What is to be confirmed was not.</summary>
internal sealed class UnconfirmedException(string message) : Exception(message)
{
    /// <summary>Somebody was asked, and said no.</summary>
    public bool IsAnswered { get; init; }
}

namespace Operos.Proto.Connection;

/// <summary>The peer answered with a <see cref="Fault"/>.</summary>
public sealed class ControlFaultException(Fault fault) : Exception(fault.Text)
{
    /// <summary>One of <see cref="FaultCode"/>.</summary>
    public string Code { get; } = fault.Code;

    /// <summary>The next step, for a person.</summary>
    public string? Hint { get; } = fault.Hint;
    public int RetryAfterSeconds { get; } = fault.RetryAfterSeconds;
}

namespace Operos.Proto.Connection;

/// <summary>Nobody answered at the controller's address: it is off, restarting or cut off, and has refused nothing.</summary>
public sealed class ControllerUnreachableException(string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>
    /// Somebody was there and hung up before the handshake ended: a controller that restarts, or has more to do than it can.
    /// </summary>
    public bool HungUp { get; init; }

    /// <summary>The machine is there and nothing listens: the controller's agent does not run, or not yet.</summary>
    public bool HasNoListener { get; init; }
}

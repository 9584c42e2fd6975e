namespace Operos.Proto.Connection;

/// <summary>Nobody answered at the controller's address: it is off, restarting or cut off, and has refused nothing.</summary>
public sealed class ControllerUnreachableException(string message, Exception? inner = null) : IOException(message, inner);

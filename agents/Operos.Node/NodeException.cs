namespace Operos.Node;

/// <summary>A step on the way to a Ready node failed; the message says which and why, for the operator.</summary>
public sealed class NodeException : Exception
{
    public NodeException(string message) : base(message) { }
    public NodeException(string message, Exception cause) : base(message, cause) { }
}

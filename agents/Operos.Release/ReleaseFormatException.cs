namespace Operos.Release;

/// <summary>A manifest, a signature or a key is malformed; the message names what is wrong with it.</summary>
public sealed class ReleaseFormatException(string message) : Exception(message);

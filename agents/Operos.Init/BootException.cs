namespace Operos.Init;

/// <summary>This boot cannot go on as it is: the text says why. The machine starts again after a while.</summary>
internal sealed class BootException(string message) : Exception(message);

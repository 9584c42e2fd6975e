namespace Operos.Backup;

/// <summary>A backup cannot be made, read or put back; the message says why, and what next.</summary>
public sealed class BackupException(string message, Exception? inner = null) : IOException(message, inner);

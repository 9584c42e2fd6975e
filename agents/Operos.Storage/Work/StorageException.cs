namespace Operos.Storage.Work;

/// <summary>Work on a disk failed or was refused: what, on which disk, and the next step, in words for an operator.</summary>
public sealed class StorageException(string message, Exception? inner = null) : IOException(message, inner);

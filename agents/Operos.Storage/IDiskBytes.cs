namespace Operos.Storage;

/// <summary>The bytes of a disk or of its image.</summary>
public interface IDiskBytes
{
    /// <summary>The size in bytes.</summary>
    long Bytes { get; }

    /// <summary>Reads at most 1 MiB; fewer bytes than asked for only at the end. They are valid until the next read.</summary>
    /// <exception cref="IOException">They cannot be read.</exception>
    ReadOnlySpan<byte> Read(long offset, int length);
}

/// <summary>The same, which can be written in whole blocks of 4 KiB; the last may be shorter.</summary>
public interface IDiskBlocks : IDiskBytes
{
    /// <exception cref="IOException">They cannot be written.</exception>
    void Write(long offset, ReadOnlySpan<byte> blocks);

    /// <summary>Returns when what was written is on the medium.</summary>
    /// <exception cref="IOException">It is not.</exception>
    void Flush();
}

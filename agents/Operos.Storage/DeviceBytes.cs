using Operos.Linux;

namespace Operos.Storage;

/// <summary>A real disk, or a file as its image.</summary>
public sealed class DeviceBytes(BlockDevice device) : IDiskBlocks
{
    public long Bytes => device.Bytes;

    public ReadOnlySpan<byte> Read(long offset, int length) => device.Read(offset, length);

    public void Write(long offset, ReadOnlySpan<byte> blocks) => device.Write(offset, blocks);

    public void Flush() => device.Flush();
}

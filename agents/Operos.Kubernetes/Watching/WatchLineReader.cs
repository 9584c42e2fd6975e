using System.Buffers;
using System.Text.Json;

namespace Operos.Kubernetes.Watching;

/// <summary>Reads a watch line by line, each an event of its own, in a buffer that grows to the longest of them.</summary>
internal sealed class WatchLineReader(Stream body, int longest) : IDisposable
{
    private const int FirstBuffer = 16 * 1024;
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
    private int begin, searched, filled;

    /// <summary>The next line, until the next call; null at the end.</summary>
    /// <exception cref="JsonException">A line is too long.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var at = buffer.AsSpan(searched, filled - searched).IndexOf((byte)'\n');
            if (at >= 0)
            {
                var line = buffer.AsMemory(begin, searched + at - begin);
                begin = searched += at + 1;
                return line;
            }
            searched = filled;
            MakeRoom();
            var got = await body.ReadAsync(buffer.AsMemory(filled), cancellationToken).ConfigureAwait(false);
            // A last line without its newline was cut off: it is dropped.
            if (got == 0) return null;
            filled += got;
        }
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    private void MakeRoom()
    {
        if (begin > 0)
        {
            buffer.AsSpan(begin, filled - begin).CopyTo(buffer);
            (begin, searched, filled) = (0, searched - begin, filled - begin);
        }
        if (filled < buffer.Length) return;
        if (buffer.Length > longest) throw new JsonException($"one event has more than {longest} bytes");
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.AsSpan(0, filled).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}

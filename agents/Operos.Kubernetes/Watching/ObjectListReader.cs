using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Operos.Kubernetes.Watching;

/// <summary>
/// Reads a list of the API as it arrives: one object is in memory at a time, in a buffer that grows to the largest of them. The reader's
/// state is kept between two portions, so that each byte is looked at once whatever the portions are.
/// </summary>
internal sealed class ObjectListReader<T> : IDisposable where T : class
{
    private const int FirstBuffer = 64 * 1024;
    private readonly JsonTypeInfo<T> type;
    private readonly WatchLimits limits;
    private readonly Action<T> take;
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
    private JsonReaderState state;
    private int read, filled;
    /// <summary>Where the object that is being read begins in the buffer; -1 between objects.</summary>
    private int begun = -1;
    private string part = "", field = "";

    /// <param name="take">Gets each object.</param>
    public ObjectListReader(JsonTypeInfo<T> type, WatchLimits limits, Action<T> take) =>
        (this.type, this.limits, this.take) = (type, limits, take);

    /// <summary>The version that the list shows.</summary>
    public string? ResourceVersion { get; private set; }

    /// <summary>Asks for the next page; null or empty where this is the last.</summary>
    public string? Continue { get; private set; }

    /// <summary>Of JSON, unpacked.</summary>
    public long Bytes { get; private set; }

    /// <exception cref="JsonException">It is no list of such objects, or breaks a limit.</exception>
    public async Task ReadAsync(Stream body, CancellationToken cancellationToken)
    {
        for (var last = false; !last;)
        {
            var got = await body.ReadAtLeastAsync(buffer.AsMemory(filled), buffer.Length - filled, throwOnEndOfStream: false,
                cancellationToken).ConfigureAwait(false);
            filled += got;
            Bytes += got;
            if (Bytes > limits.ListBytes) throw new JsonException($"the list is larger than {limits.ListBytes} bytes");
            last = filled < buffer.Length;
            Scan(last);
            MakeRoom();
        }
        if (string.IsNullOrEmpty(ResourceVersion)) throw new JsonException("the list has no version");
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    private void Scan(bool last)
    {
        var start = read;
        var reader = new Utf8JsonReader(buffer.AsSpan(read, filled - read), last, state);
        while (reader.Read())
        {
            switch (reader.CurrentDepth)
            {
                case 0 when reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.EndObject):
                    throw new JsonException("it is no list");
                case 1 when reader.TokenType == JsonTokenType.PropertyName: part = reader.GetString()!; break;
                case 2 when part == "metadata": ReadMetadata(ref reader); break;
                case 2 when part == "items": ReadItem(ref reader, start); break;
            }
        }
        read = start + (int)reader.BytesConsumed;
        state = reader.CurrentState;
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.PropertyName) field = reader.GetString()!;
        else if (reader.TokenType == JsonTokenType.String && field == "resourceVersion") ResourceVersion = reader.GetString();
        else if (reader.TokenType == JsonTokenType.String && field == "continue") Continue = reader.GetString();
    }

    private void ReadItem(ref Utf8JsonReader reader, int start)
    {
        if (reader.TokenType == JsonTokenType.StartObject) begun = start + (int)reader.TokenStartIndex;
        else if (reader.TokenType == JsonTokenType.EndObject && begun >= 0)
        {
            var item = buffer.AsSpan(begun, start + (int)reader.BytesConsumed - begun);
            begun = -1;
            take(JsonSerializer.Deserialize(item, type) ?? throw new JsonException("an item is null"));
        }
        else throw new JsonException("an item is no object");
    }

    /// <summary>Drops what is read; where nothing is, the buffer grows.</summary>
    private void MakeRoom()
    {
        var keep = begun >= 0 ? begun : read;
        if (keep == 0 && filled == buffer.Length)
        {
            if (buffer.Length > limits.ObjectBytes) throw new JsonException($"one object has more than {limits.ObjectBytes} bytes");
            var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
            buffer.AsSpan(0, filled).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
            return;
        }
        buffer.AsSpan(keep, filled - keep).CopyTo(buffer);
        (read, filled, begun) = (read - keep, filled - keep, begun >= 0 ? 0 : -1);
    }
}

using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Operos.Kubernetes.Watching;

internal enum WatchEventKind { Put, Gone, Bookmark }

/// <summary>One line of a watch.</summary>
internal readonly record struct WatchEvent<T>(WatchEventKind Kind, T Object) where T : class
{
    /// <exception cref="JsonException">It cannot be read.</exception>
    /// <exception cref="ApiException">It is the server's error: the watch has ended.</exception>
    public static WatchEvent<T> Read(ReadOnlySpan<byte> line, JsonTypeInfo<T> type)
    {
        var body = Split(line, out var kind);
        if (kind == "ERROR")
        {
            var status = JsonSerializer.Deserialize(body, ApiJson.Default.ApiStatus) ?? throw new JsonException("an error of nothing");
            throw new ApiException((HttpStatusCode)status.Code, status.Reason, $"the watch ended: {status.Message}");
        }
        if (body.IsEmpty || JsonSerializer.Deserialize(body, type) is not { } value) throw new JsonException("an event of nothing");
        return kind switch
        {
            "ADDED" or "MODIFIED" => new WatchEvent<T>(WatchEventKind.Put, value),
            "DELETED" => new WatchEvent<T>(WatchEventKind.Gone, value),
            "BOOKMARK" => new WatchEvent<T>(WatchEventKind.Bookmark, value),
            _ => throw new JsonException("an event of an unknown type"),
        };
    }

    /// <summary>The event's type, and its object where it lies: lines may be large.</summary>
    private static ReadOnlySpan<byte> Split(ReadOnlySpan<byte> line, out string? kind)
    {
        var reader = new Utf8JsonReader(line);
        kind = null;
        ReadOnlySpan<byte> body = default;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("an event is no object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, isObject) = (reader.ValueTextEquals("type"u8), reader.ValueTextEquals("object"u8));
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            if (isType && reader.TokenType == JsonTokenType.String) kind = reader.GetString();
            reader.Skip();
            if (isObject) body = line[start..(int)reader.BytesConsumed];
        }
        return body;
    }
}

using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Operos.Kubernetes.Watching;

/// <summary>
/// Gives texts that repeat, such as namespaces and labels, one string for all. A table of fixed size: a text takes the place of another
/// that falls on it, so nothing has to be taken out and whoever makes up names fills nothing. Not for several threads at once.
/// </summary>
internal sealed class StringTable : JsonConverter<string>
{
    private const int Slots = 8192, LongestBytes = 128;
    private readonly string?[] strings = new string?[Slots];

    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.String ? Get(ref reader) : throw new JsonException($"a text is expected, not {reader.TokenType}");

    public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Get(ref reader);

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value);

    private string Get(ref Utf8JsonReader reader)
    {
        if (reader.ValueIsEscaped || reader.HasValueSequence || reader.ValueSpan.Length > LongestBytes) return reader.GetString()!;
        var text = reader.ValueSpan;
        if (text.Length == 0) return "";
        // Seeded at random: nobody chooses which texts push each other out.
        var hash = new HashCode();
        hash.AddBytes(text);
        ref var slot = ref strings[hash.ToHashCode() & (Slots - 1)];
        // Only ASCII is compared as bytes; any other text is read anew, which also checks that it is UTF-8.
        if (slot is null || !Ascii.Equals(text, slot)) slot = reader.GetString()!;
        return slot;
    }
}

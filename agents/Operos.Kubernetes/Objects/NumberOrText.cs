using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Operos.Kubernetes.Objects;

/// <summary>The API's IntOrString: a number and the same digits as a text mean the same.</summary>
internal sealed class NumberOrText : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.String => reader.GetString(),
        JsonTokenType.Number => Encoding.ASCII.GetString(reader.ValueSpan),
        var token => throw new JsonException($"a number or a text is expected, not {token}"),
    };

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}

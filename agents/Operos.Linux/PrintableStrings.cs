using System.Text.Json;
using System.Text.Json.Serialization;

namespace Operos.Linux;

/// <summary>Reads each string of a JSON document as <see cref="PrintableText.Line"/> makes it, whatever property it stands in.</summary>
public sealed class PrintableStrings : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        PrintableText.Line(reader.GetString());

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}

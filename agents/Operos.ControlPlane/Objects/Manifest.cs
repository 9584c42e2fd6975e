using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Operos.ControlPlane.Objects;

/// <summary>Objects of a manifest: YAML 1.2 documents (JSON is YAML too), each an object or a List of them.</summary>
internal static class Manifest
{
    private const int MaxDepth = 64, MaxNodes = 200_000;

    /// <exception cref="FormatException">It is no YAML, or a document is no object with apiVersion, kind and name.</exception>
    public static IReadOnlyList<JsonObject> Parse(string text)
    {
        var stream = new YamlStream();
        try { stream.Load(new StringReader(text)); }
        catch (YamlException e) { throw new FormatException($"line {e.Start.Line}: {e.InnerException?.Message ?? e.Message}"); }
        // The scanner's own way to say that a text is malformed in the middle of a scalar.
        catch (Exception e) when (e is InvalidOperationException
            or ArgumentException) { throw new FormatException($"it is no YAML: {e.Message}"); }
        var objects = new List<JsonObject>();
        var left = MaxNodes;
        foreach (var document in stream.Documents)
        {
            var node = Convert(document.RootNode, 0, ref left);
            if (node is null) continue;
            if (node is not JsonObject value) throw new FormatException($"line {document.RootNode.Start.Line}: an object is expected");
            var items = value["kind"]?.ToString().EndsWith("List", StringComparison.Ordinal) == true && value["items"] is JsonArray list
                ? list.OfType<JsonObject>().Select(item => (JsonObject)item.DeepClone()) : [value];
            foreach (var item in items) objects.Add(Checked(item, document.RootNode.Start.Line));
        }
        return objects;
    }

    private static JsonObject Checked(JsonObject value, long line)
    {
        foreach (var (where, key) in (ReadOnlySpan<(JsonNode?, string)>)[
            (value, "apiVersion"), (value, "kind"), (value["metadata"], "name")])
            if (where is not JsonObject parent || parent[key] is not JsonValue text || !text.TryGetValue(out string? word)
                || word.Length == 0)
                throw new FormatException($"document at line {line}: {(key == "name" ? "metadata.name" : key)} is missing");
        return value;
    }

    /// <summary>Aliases may make a small text a giant tree: the nodes are counted.</summary>
    private static JsonNode? Convert(YamlNode node, int depth, ref int left)
    {
        if (depth > MaxDepth || --left < 0) throw new FormatException($"line {node.Start.Line}: nested too deeply or too large");
        switch (node)
        {
            case YamlMappingNode mapping:
                var result = new JsonObject();
                foreach (var (key, value) in mapping.Children)
                    if (key is not YamlScalarNode { Value: { } name } || !result.TryAdd(name, Convert(value, depth + 1, ref left)))
                        throw new FormatException($"line {key.Start.Line}: a key is no text, or given twice");
                return result;
            case YamlSequenceNode sequence:
                var array = new JsonArray();
                foreach (var item in sequence.Children) array.Add(Convert(item, depth + 1, ref left));
                return array;
            case YamlScalarNode scalar: return Scalar(scalar);
            default: throw new FormatException($"line {node.Start.Line}: cannot be read");
        }
    }

    /// <summary>The core schema (YAML 1.2, 10.3), and what Kubernetes' own reader takes from YAML 1.1: yes and no stay texts.</summary>
    private static JsonValue? Scalar(YamlScalarNode scalar)
    {
        var text = scalar.Value ?? "";
        if (scalar.Style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted or ScalarStyle.Literal or ScalarStyle.Folded
            || scalar.Tag is { IsEmpty: false, Value: "tag:yaml.org,2002:str" }) return JsonValue.Create(text);
        return text switch
        {
            "" or "~" or "null" or "Null" or "NULL" => null,
            "true" or "True" or "TRUE" => JsonValue.Create(true),
            "false" or "False" or "FALSE" => JsonValue.Create(false),
            _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) =>
                text.TrimStart('-', '+') is ['0', _, ..] octal
                ? JsonValue.Create(System.Convert.ToInt64(octal, 8) * (text[0] == '-' ? -1 : 1)) : JsonValue.Create(whole),
            ['0', 'x' or 'o', ..] when Radix(text) is { } number => JsonValue.Create(number),
            _ when (char.IsAsciiDigit(text[^1]) || text[^1] == '.') && text.Any(char.IsAsciiDigit)
                && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) =>
                JsonValue.Create(number),
            _ => JsonValue.Create(text),
        };
    }

    private static long? Radix(string text)
    {
        try { return System.Convert.ToInt64(text[2..], text[1] == 'x' ? 16 : 8); }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException) { return null; }
    }
}

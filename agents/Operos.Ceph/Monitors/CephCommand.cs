using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Operos.Ceph.Monitors;

/// <summary>A command of Ceph's monitor or manager, as its JSON has it (<c>ceph --verbose</c> shows any).</summary>
/// <param name="Prefix">Such as <c>osd pool set</c>.</param>
/// <param name="OfManager">Whether the manager answers it: what is counted, such as placement groups.</param>
internal sealed record CephCommand(string Prefix, bool OfManager = false)
{
    public IReadOnlyList<(string Name, object Value)> Arguments { get; init; } = [];

    /// <summary>The OSD that answers it; null where the monitor or the manager does.</summary>
    public int? Osd { get; init; }

    /// <summary>What it reads; it never stands in a log.</summary>
    public byte[] Input { get; init; } = [];

    public CephCommand With(string name, string value) => this with { Arguments = [.. Arguments, (name, value)] };

    public CephCommand With(string name, long value) => this with { Arguments = [.. Arguments, (name, value)] };

    /// <summary>Several of what a command takes several of, such as OSDs.</summary>
    public CephCommand With(string name, IReadOnlyList<string> values) => this with { Arguments = [.. Arguments, (name, values)] };

    public CephCommand With(string name, bool value) => this with { Arguments = [.. Arguments, (name, value)] };

    /// <summary>With a fraction: where a command takes one the monitor refuses a whole number (18.2).</summary>
    public CephCommand With(string name, double value) => this with { Arguments = [.. Arguments, (name, value)] };

    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("prefix", Prefix);
            foreach (var (name, value) in Arguments)
                switch (value)
                {
                    case string text: json.WriteString(name, text); break;
                    case long number: json.WriteNumber(name, number); break;
                    case bool flag: json.WriteBoolean(name, flag); break;
                    case double real:
                        json.WritePropertyName(name);
                        json.WriteRawValue(real.ToString("0.000000", CultureInfo.InvariantCulture));
                        break;
                    case IReadOnlyList<string> texts:
                        json.WriteStartArray(name);
                        foreach (var text in texts) json.WriteStringValue(text);
                        json.WriteEndArray();
                        break;
                }
            json.WriteString("format", "json");
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    public override string ToString() => $"{Prefix} {string.Join(' ', Arguments.Select(argument =>
        argument.Value is IReadOnlyList<string> several ? string.Join(' ', several) : argument.Value))}".TrimEnd();
}

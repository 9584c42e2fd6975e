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
                    // Without a fraction it is refused as no CephFloat (18.2).
                    case double number:
                        json.WritePropertyName(name);
                        json.WriteRawValue(number.ToString("0.0##", CultureInfo.InvariantCulture));
                        break;
                }
            json.WriteString("format", "json");
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    public override string ToString() => $"{Prefix} {string.Join(' ', Arguments.Select(argument => argument.Value))}".TrimEnd();
}

using System.Text.Json;
using System.Text.Json.Serialization;
using Operos.Linux;

namespace Operos.Release;

public sealed partial record BootRecord
{
    /// <summary>The largest boot record that is read from a peer, in bytes of JSON.</summary>
    public const int MaxBytes = 64 * 1024;

    private const int MaxParts = 64, MaxCount = 1_000_000;
    private const long LongestBootMs = 7L * 24 * 3600 * 1000, MostBytes = 1L << 50;

    /// <summary>
    /// Reads a boot record of unknown origin: its strings are made printable and short, its figures brought within what can be.
    /// </summary>
    /// <exception cref="FormatException">It is no boot record; the message says why.</exception>
    public static BootRecord Parse(ReadOnlySpan<byte> json)
    {
        if (json.Length > MaxBytes) throw new FormatException($"a boot record of {json.Length} bytes; at most {MaxBytes} are read");
        BootRecord? record;
        try { record = JsonSerializer.Deserialize(json, BootRecordJson.Default.BootRecord); }
        catch (JsonException e) { throw new FormatException($"the boot record is no valid JSON: {e.Message}"); }
        // A required property may still be null, and a string of control characters is null once it is cleaned.
        if (record is not { BootId: not null, Release: not null, KernelRelease: not null, Kind: not null, Firmware: not null }
            || record is not { Phases: { Count: <= MaxParts } phases, Layers: { Count: <= MaxParts } layers }
            || record.Network is { Interface: null } or { Mac: null } or { Address: null } or { Source: null }
            || !phases.All(phase => phase?.Name is not null) || !layers.All(layer => layer?.Name is not null && layer.Source is not null))
            throw new FormatException($"the boot record has a part missing, or over {MaxParts} phases or layers");
        return record with
        {
            Phases = [.. phases.Select(Bounded)],
            Layers = [.. layers.Select(layer =>
                layer with { Bytes = Math.Clamp(layer.Bytes, 0, MostBytes), DurationMs = Math.Clamp(layer.DurationMs, 0, LongestBootMs) })],
            Retries = Math.Clamp(record.Retries, 0, MaxCount),
            RefusedChunks = Math.Clamp(record.RefusedChunks, 0, MaxCount),
            Restarts = Math.Clamp(record.Restarts, 0, MaxCount),
            PeakMemoryBytes = Math.Clamp(record.PeakMemoryBytes, 0, MostBytes),
        };
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, BootRecordJson.Default.BootRecord);

    private static BootPhase Bounded(BootPhase phase)
    {
        var start = Math.Clamp(phase.StartMs, 0, LongestBootMs);
        return phase with { StartMs = start, EndMs = Math.Clamp(phase.EndMs, start, LongestBootMs) };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, MaxDepth = 8,
    Converters = [typeof(PrintableStrings)])]
[JsonSerializable(typeof(BootRecord))]
internal sealed partial class BootRecordJson : JsonSerializerContext;

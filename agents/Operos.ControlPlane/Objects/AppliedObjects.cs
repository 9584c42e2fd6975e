using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Operos.Linux;

namespace Operos.ControlPlane.Objects;

/// <summary>An object that a file of the add-ons' folder brought.</summary>
internal sealed record Applied(string File, ObjectName Name);

/// <summary>What the add-ons brought, in a file: what is to be deleted when it is taken out of the folder.</summary>
internal sealed class AppliedObjects(string path, ILogger logger)
{
    /// <exception cref="RecordFormatException">A newer version wrote it.</exception>
    public IReadOnlyList<Applied> Load()
    {
        if (!File.Exists(path)) return [];
        try
        {
            // Before there were formats it was the list alone.
            var text = File.ReadAllText(path);
            if (text.StartsWith('[')) return JsonSerializer.Deserialize(text, AppliedJson.Default.IReadOnlyListApplied) ?? [];
            return RecordFile.Read(path, AppliedJson.Default.AppliedRecord, AppliedRecord.CurrentFormat)?.Objects ?? [];
        }
        catch (JsonException e)
        {
            logger.AppliedListDamaged(path, e.Message);
            return [];
        }
    }

    /// <exception cref="RecordFormatException">A newer version wrote one, which stays.</exception>
    public void Save(IReadOnlyList<Applied> objects)
    {
        var record = new AppliedRecord(AppliedRecord.CurrentFormat, [.. objects.DistinctBy(entry => entry.Name)]);
        var text = JsonSerializer.SerializeToUtf8Bytes(record, AppliedJson.Default.AppliedRecord);
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(text)) return;
        RecordFile.Write(path, record, AppliedJson.Default.AppliedRecord, AppliedRecord.CurrentFormat);
    }
}

/// <param name="Format">Of this very record.</param>
internal sealed record AppliedRecord(
    [property: JsonPropertyName("format")] int Format, [property: JsonPropertyName("objects")] IReadOnlyList<Applied> Objects)
{
    public const int CurrentFormat = 1;
}

[JsonSerializable(typeof(IReadOnlyList<Applied>))]
[JsonSerializable(typeof(AppliedRecord))]
internal sealed partial class AppliedJson : JsonSerializerContext;

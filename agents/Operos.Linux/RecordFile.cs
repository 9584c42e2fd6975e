using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Operos.Linux;

/// <summary>A record was written by a newer version of the program: it is neither read nor replaced.</summary>
public sealed class RecordFormatException(string path, int format, int known) : IOException(
    $"{path} is of format {format}, and this version knows formats up to {known}: a newer version wrote it, and it is left as it is. "
    + "Next: run that version again");

/// <summary>
/// Records on disk: JSON objects whose member <c>format</c> says which version of its kind each is. One without it was written before there
/// were formats, and is read as the oldest.
/// </summary>
public static class RecordFile
{
    /// <param name="known">The newest format that the caller reads.</param>
    /// <exception cref="JsonException">The record is damaged.</exception>
    /// <exception cref="RecordFormatException">It is newer.</exception>
    public static T? Read<T>(string path, JsonTypeInfo<T> type, int known) where T : class
    {
        var json = File.ReadAllBytes(path);
        Check(path, json, known);
        return JsonSerializer.Deserialize(json, type);
    }

    /// <summary>Writes a record atomically.</summary>
    /// <exception cref="RecordFormatException">There is a newer one, which stays.</exception>
    public static void Write<T>(string path, T record, JsonTypeInfo<T> type, int known) where T : class
    {
        RefuseNewer(path, known);
        AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(record, type));
    }

    /// <exception cref="RecordFormatException">There is a newer record, which stays.</exception>
    public static void RefuseNewer(string path, int known)
    {
        byte[] json;
        try { json = File.ReadAllBytes(path); }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException) { return; }
        // A damaged record is no newer version's: it may be replaced.
        try { Check(path, json, known); }
        catch (JsonException) { }
    }

    /// <summary>
    /// The format alone, read no further than to it: what a newer record looks like otherwise is not known here. 0 where it says none.
    /// </summary>
    /// <exception cref="JsonException">It is no JSON so far, or its format is no version.</exception>
    public static int ReadFormat(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals("format"u8);
            if (!reader.Read()) return 0;
            if (!found)
            {
                reader.Skip();
                continue;
            }
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var format) || format < 0)
                throw new JsonException("its format is no version");
            return format;
        }
        return 0;
    }

    private static void Check(string path, ReadOnlySpan<byte> json, int known)
    {
        if (ReadFormat(json) is var format && format > known) throw new RecordFormatException(path, format, known);
    }
}

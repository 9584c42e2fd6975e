using System.Text;

namespace Operos.Names;

/// <summary>A zone as a master file (RFC 1035, 5.1): what the name server starts with.</summary>
internal static class ZoneFile
{
    /// <summary>
    /// Seconds that an answer may be kept, and that a name may be remembered as missing: a service that moved is found within
    /// as many, and one that is new was not asked for by many.
    /// </summary>
    public const int TimeToLive = 5;

    /// <summary>All endpoints alike (RFC 2782).</summary>
    public const int SrvPriority = 0, SrvWeight = 100;

    /// <param name="serial">By which the server tells which file it has read.</param>
    public static string Write(string zone, string serverName, uint serial, IEnumerable<ResourceRecord> records)
    {
        var text = new StringBuilder();
        // Nobody copies the zone: timers count for no one but the last, which bounds a negative answer (RFC 2308, 4).
        text.Append(null, $"{zone}. {TimeToLive} IN SOA {serverName}. hostmaster.{zone}. {serial} 3600 600 86400 {TimeToLive}\n");
        text.Append(null, $"{zone}. {TimeToLive} IN NS {serverName}.\n");
        foreach (var record in records)
            text.Append(null, $"{record.Owner}. {TimeToLive} IN {record.Type.ToString().ToUpperInvariant()} {Data(record)}\n");
        return text.ToString();
    }

    private static string Data(ResourceRecord record) => record.Type switch
    {
        RecordType.Txt => $"\"{record.Data}\"",
        RecordType.Srv => $"{SrvPriority} {SrvWeight} {record.Port} {record.Data}.",
        RecordType.Cname or RecordType.Ptr => record.Data + ".",
        _ => record.Data,
    };
}

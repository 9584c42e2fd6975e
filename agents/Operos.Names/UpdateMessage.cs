using System.Net;
using System.Text;

namespace Operos.Names;

/// <summary>Dynamic updates (RFC 2136): each message is applied as a whole, and may be sent again without harm.</summary>
internal static class UpdateMessage
{
    public const int UpdateCount = 8, AdditionalCount = 10;
    private const int Opcode = 5 << 11, SOA = 6, IN = 1, NONE = 254;
    /// <summary>TCP carries 65,535 bytes; the rest is for the signature and the last record.</summary>
    private const int MaxBytes = 60_000;

    /// <summary>
    /// The messages that bring a zone from one set of records to the next: one, unless the change is larger than a message.
    /// </summary>
    public static IEnumerable<MessageWriter> Write(string zone, IEnumerable<ResourceRecord> removed, IEnumerable<ResourceRecord> added)
    {
        // Name by name, what goes before what comes: a CNAME is not added beside anything else (RFC 2136, 3.4.2.2).
        var changes = removed.Select(record => (Record: record, Added: false)).Concat(added.Select(record => (Record: record, Added: true)))
            .OrderBy(change => change.Record.Owner, StringComparer.Ordinal).ThenBy(change => change.Added);
        MessageWriter? message = null;
        var count = 0;
        foreach (var (record, isAdded) in changes)
        {
            message ??= Begin(zone);
            Write(message, record, isAdded);
            message.Patch(UpdateCount, ++count);
            if (message.Length < MaxBytes) continue;
            yield return message;
            (message, count) = (null, 0);
        }
        if (message is not null) yield return message;
    }

    private static MessageWriter Begin(string zone)
    {
        var message = new MessageWriter();
        message.UInt16(Random.Shared.Next(0x10000));
        message.UInt16(Opcode);
        message.UInt16(1);
        message.Bytes(stackalloc byte[6]);
        message.Name(zone);
        message.UInt16(SOA);
        message.UInt16(IN);
        return message;
    }

    private static void Write(MessageWriter message, ResourceRecord record, bool isAdded)
    {
        message.Name(record.Owner);
        message.UInt16((int)record.Type);
        message.UInt16(isAdded ? IN : NONE);
        message.UInt32(isAdded ? (uint)ZoneFile.TimeToLive : 0);
        message.Data(() => WriteData(message, record));
    }

    private static void WriteData(MessageWriter message, ResourceRecord record)
    {
        switch (record.Type)
        {
            case RecordType.A or RecordType.Aaaa:
                message.Bytes(IPAddress.Parse(record.Data).GetAddressBytes());
                return;
            case RecordType.Txt:
                message.Byte(record.Data.Length);
                message.Bytes(Encoding.ASCII.GetBytes(record.Data));
                return;
            case RecordType.Srv:
                message.UInt16(ZoneFile.SrvPriority);
                message.UInt16(ZoneFile.SrvWeight);
                message.UInt16(record.Port);
                break;
        }
        message.WholeName(record.Data);
    }
}

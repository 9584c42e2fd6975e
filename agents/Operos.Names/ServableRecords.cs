using System.Text;

namespace Operos.Names;

/// <summary>
/// What a name server can serve of what a cluster asks for: one record that it cannot would keep it from reading the whole zone, and all
/// tenants would lose all names for one name of one of them.
/// </summary>
internal static class ServableRecords
{
    /// <summary>RFC 1035, 2.3.4; a name of 253 characters has 255 bytes on the wire.</summary>
    private const int MaxLabel = 63, MaxName = 253;

    /// <summary>A text of a TXT record has its length in one byte (RFC 1035, 3.3.14).</summary>
    private const int MaxText = 255;

    /// <summary>Why a record cannot be served, in words; null where it can.</summary>
    public static string? WhyNot(ResourceRecord record)
    {
        if (WhyNoName(record.Owner) is { } owner) return owner;
        return record.Type switch
        {
            RecordType.Cname or RecordType.Ptr or RecordType.Srv => WhyNoName(record.Data) is { } target ? $"leads to {target}" : null,
            RecordType.Txt when Encoding.ASCII.GetByteCount(record.Data) > MaxText => $"its text has more than {MaxText} bytes",
            _ => null,
        };
    }

    private static string? WhyNoName(string name)
    {
        if (name.Length is 0 or > MaxName) return $"a name of {name.Length} characters, at most {MaxName} are possible";
        foreach (var label in name.Split('.'))
        {
            if (label.Length is 0 or > MaxLabel) return $"a label of {label.Length} characters, at most {MaxLabel} are possible";
            // A host's label, or one of a service's port or protocol (RFC 2782).
            if (!DnsName.IsLabel(label) && !(label[0] == '_' && DnsName.IsLabel(label[1..]))) return "a label that is none";
        }
        return null;
    }
}

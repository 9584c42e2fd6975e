using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Operos.Storage.Classes;

/// <summary>
/// All that is known of a disk and of what stands on it, as one number: another number is another disk, or other contents.
/// </summary>
internal static class DiskTrace
{
    /// <summary>
    /// SHA-256 in hex, lower case, over names, size, class, all signatures with their places, the record's ids and work, and the bytes of
    /// the first and the last MiB.
    /// </summary>
    public static string Of(DiskVerdict verdict)
    {
        var (evidence, facts, record) = (verdict.Evidence, verdict.Evidence.Facts, verdict.Record);
        var text = new StringBuilder("operos disk evidence 1\n");
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Line($"{facts.Wwn}\n{facts.Model}\n{facts.Serial}\n{facts.Attachment ?? facts.Name}");
        Line($"{evidence.Bytes} {facts.LogicalSector} {verdict.Class}");
        foreach (var signature in evidence.Signatures.OrderBy(signature => signature.Offset).ThenBy(signature => signature.Name))
            Line($"{signature.Name} {signature.Offset} {signature.At}");
        foreach (var table in evidence.Tables.OrderBy(table => table.Header).ThenBy(table => table.Sector))
            Line($"{table.Id} {table.Header} {table.Sector}");
        if (record is not null) Line($"{record.Cluster} {record.Disk} {record.Machine} {record.Table} {record.Work} {record.Sequence}");
        Line($"{evidence.Ends ?? "unreadable"}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}

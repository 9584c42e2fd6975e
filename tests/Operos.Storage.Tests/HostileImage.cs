using System.Security.Cryptography;
using Operos.Storage.Records;

namespace Operos.Storage.Tests;

/// <summary>Bytes that somebody wrote on purpose.</summary>
internal static class HostileImage
{
    /// <summary>Makes the digests of both copies of a record agree with whatever is there now.</summary>
    public static void RenewRecords(SparseImage image)
    {
        foreach (var place in DiskRecord.PlacesOn(image.Bytes))
        {
            var bytes = image.Read(place, DiskRecord.Length).ToArray();
            SHA256.HashData(bytes.AsSpan(0, 480), bytes.AsSpan(480));
            image.Put(place, bytes);
        }
    }

    /// <summary>A record in both places with one byte changed and its digest renewed.</summary>
    public static SparseImage WithRecord(DiskRecord record, int at, byte value)
    {
        var image = new SparseImage(record.Bytes);
        for (var copy = 0; copy < 2; copy++)
        {
            var bytes = record.ToBytes(copy);
            bytes[at] = value;
            image.Put(DiskRecord.PlacesOn(record.Bytes)[copy], bytes);
        }
        RenewRecords(image);
        return image;
    }
}

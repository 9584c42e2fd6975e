using System.Buffers.Binary;
using System.Text;
using Operos.Storage.Looks;

namespace Operos.Storage.Tests;

/// <summary>Writes a GPT as the UEFI specification has it, 5.3, with its protective MBR.</summary>
internal static class GptImage
{
    private const int Entries = 128, EntryBytes = 128;

    public static readonly Guid CephOsd = new("4fbd7e29-9d25-41b8-afd0-062c0ceff05d");

    /// <param name="partitions">The first byte of each, and the one after the last.</param>
    public static void Write(SparseImage image, Guid id, int sector, params (string Name, long From, long To)[] partitions) =>
        Write(image, id, sector, Guid.NewGuid(), partitions);

    /// <param name="first">The first partition's own identifier; the others' are random.</param>
    public static void Write(SparseImage image, Guid id, int sector, Guid first, params (string Name, long From, long To)[] partitions)
    {
        var last = image.Bytes / sector - 1;
        var entrySectors = Entries * EntryBytes / sector;
        var entries = new byte[Entries * EntryBytes];
        for (var i = 0; i < partitions.Length; i++)
        {
            var entry = entries.AsSpan(i * EntryBytes, EntryBytes);
            CephOsd.TryWriteBytes(entry);
            (i == 0 ? first : Guid.NewGuid()).TryWriteBytes(entry[16..]);
            BinaryPrimitives.WriteInt64LittleEndian(entry[32..], partitions[i].From / sector);
            BinaryPrimitives.WriteInt64LittleEndian(entry[40..], partitions[i].To / sector - 1);
            Encoding.Unicode.GetBytes(partitions[i].Name, entry[56..]);
        }
        var mbr = new byte[512];
        mbr[446 + 4] = 0xEE;
        BinaryPrimitives.WriteUInt32LittleEndian(mbr.AsSpan(446 + 8), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(mbr.AsSpan(446 + 12), uint.MaxValue);
        (mbr[510], mbr[511]) = (0x55, 0xAA);
        image.Put(0, mbr);
        image.Put(sector, Header(id, 1, last, 2, entrySectors, last, entries));
        image.Put(2L * sector, entries);
        image.Put((last - entrySectors) * sector, entries);
        image.Put(last * sector, Header(id, last, 1, last - entrySectors, entrySectors, last, entries));
    }

    /// <summary>Makes the checksums of headers agree with whatever is there now, as far as that names places on the disk.</summary>
    public static void RenewChecksums(SparseImage image)
    {
        foreach (var sector in (int[])[512, 4096])
        {
            foreach (var place in (long[])[sector, image.Bytes / sector * sector - sector])
            {
                var header = image.Read(place, sector).ToArray();
                if (!header.AsSpan().StartsWith("EFI PART"u8)) continue;
                var length = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(12));
                var entries = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(72));
                var size = (long)BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(80))
                    * BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(84));
                if (length < 20 || length > sector) continue;
                if (entries > 0 && size is > 0 and <= 1 << 20 && entries < image.Bytes / sector)
                    BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(88), Crc32.Of(image.Read(entries * sector, (int)size)));
                header.AsSpan(16, 4).Clear();
                BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), Crc32.Of(header.AsSpan(0, length)));
                image.Put(place, header);
            }
        }
    }

    private static byte[] Header(Guid id, long own, long other, long entriesAt, int entrySectors, long last, byte[] entries)
    {
        var header = new byte[92];
        "EFI PART"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), 0x10000);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), header.Length);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24), own);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(32), other);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(40), 2 + entrySectors);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(48), last - entrySectors - 1);
        id.TryWriteBytes(header.AsSpan(56));
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(72), entriesAt);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(80), Entries);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(84), EntryBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(88), Crc32.Of(entries));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), Crc32.Of(header));
        return header;
    }
}

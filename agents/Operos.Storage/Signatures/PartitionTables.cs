using System.Buffers.Binary;

namespace Operos.Storage.Signatures;

/// <summary>Partition tables, GPT by its headers too; <see cref="GuidPartitionTable"/> reads what is in one.</summary>
internal static class PartitionTables
{
    /// <summary>The name of a header of a GPT among the signatures.</summary>
    public const string Gpt = "GPT";
    public const string Mbr = "MBR", ProtectiveMbr = "protective MBR", BootSector = "boot sector";

    private const int KiB = 1024;
    private const SignatureKind Kind = SignatureKind.PartitionTable;
    private const int EntriesAt = 446, EntryBytes = 16, Entries = 4, SignatureAt = 510;

    public static IEnumerable<SignatureForm> All =>
    [
        SignatureForm.Of(Gpt, Kind, 0, "EFI PART"u8, [.. Place.Starts(512, 4096), .. Place.LastSectors(1)]),
        new(Mbr, Kind, 512, [Place.Start(0)], sector => TypeOf(sector) == Mbr ? SignatureAt : -1),
        new(ProtectiveMbr, Kind, 512, [Place.Start(0)], sector => TypeOf(sector) == ProtectiveMbr ? SignatureAt : -1),
        new(BootSector, Kind, 512, [Place.Start(0)], sector => TypeOf(sector) == BootSector ? SignatureAt : -1),
        // A DOS table whose last two bytes were cut off, as a wipe of the signature alone does.
        new("MBR without its signature", Kind, 512, [Place.Start(0)],
            sector => TypeOf(sector) is null && HasEntry(sector) ? EntriesAt : -1),
        SignatureForm.Of("Apple partition map", Kind, 0, "ER"u8, Place.Start(0)),
        SignatureForm.OfAny("Apple partition map", Kind, 0, ["PM"u8.ToArray(), "TS"u8.ToArray()], Place.Starts(512, 2 * KiB)),
        SignatureForm.Of("Sun label", Kind, 508, [0xDA, 0xBE], Place.Start(0)),
        SignatureForm.Of("SGI volume header", Kind, 0, [0x0B, 0xE5, 0xA9, 0x41], Place.Start(0)),
        SignatureForm.OfAny("BSD label", Kind, 0, [[0x57, 0x45, 0x56, 0x82], [0x82, 0x56, 0x45, 0x57]], Place.Starts(0, 64, 128, 512)),
        SignatureForm.Of("Amiga RDB", Kind, 0, "RDSK"u8, [.. from sector in Enumerable.Range(0, 16) select Place.Start(sector * 512)]),
        SignatureForm.Of("AIX label", Kind, 0, [0xC9, 0xC2, 0xD4, 0xC1], Place.Start(0)),
        SignatureForm.Of("LDM", Kind, 0, "PRIVHEAD"u8, [Place.Start(6 * 512), .. Place.LastSectors(1, 1856)]),
        SignatureForm.OfAny("DASD label", Kind, 0, [[0xE5, 0xD6, 0xD3, 0xF1], [0xD3, 0xD5, 0xE7, 0xF1]],
            Place.Starts(512, KiB, 4 * KiB, 8 * KiB)),
    ];

    private static string? TypeOf(ReadOnlySpan<byte> sector)
    {
        if (sector.Length < 512 || sector[SignatureAt] != 0x55 || sector[SignatureAt + 1] != 0xAA) return null;
        var protective = false;
        for (var i = 0; i < Entries; i++) protective |= sector[EntriesAt + i * EntryBytes + 4] == 0xEE;
        return protective ? ProtectiveMbr : HasEntry(sector) ? Mbr : BootSector;
    }

    /// <summary>Whether some entry is one: a type, a flag that there is, and a length.</summary>
    private static bool HasEntry(ReadOnlySpan<byte> sector)
    {
        if (sector.Length < 512) return false;
        var found = false;
        for (var i = 0; i < Entries; i++)
        {
            var entry = sector.Slice(EntriesAt + i * EntryBytes, EntryBytes);
            if ((entry[0] & 0x7F) != 0) return false;
            found |= entry[4] != 0 && BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]) != 0;
        }
        return found;
    }
}

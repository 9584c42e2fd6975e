using System.Buffers.Binary;
using System.Text;

namespace Operos.Storage.Signatures;

/// <summary>File systems, images, swap.</summary>
internal static class FileSystems
{
    private const int KiB = 1024, MiB = 1024 * KiB;
    private const long GiB = 1024L * MiB;
    private const SignatureKind Kind = SignatureKind.FileSystem;

    public static IEnumerable<SignatureForm> All => [.. Linux, .. Foreign, .. Optical, .. Swap];

    private static IEnumerable<SignatureForm> Linux =>
    [
        SignatureForm.Of("ext2/3/4", Kind, 56, [0x53, 0xEF], [Place.Start(1024), .. ExtBackups]),
        // Its other allocation groups begin where no table can say: ReadPlan.cs looks there for anything at all.
        SignatureForm.Of("XFS", Kind, 0, "XFSB"u8, Place.Start(0)),
        SignatureForm.Of("Btrfs", Kind, 64, "_BHRfS_M"u8, Place.Starts(64 * KiB, 64 * MiB, 256 * GiB, GiB * MiB)),
        SignatureForm.Of("F2FS", Kind, 0, [0x10, 0x20, 0xF5, 0xF2], Place.Starts(1024, 4096 + 1024)),
        SignatureForm.OfAny("SquashFS", Kind, 0, ["hsqs"u8.ToArray(), "sqsh"u8.ToArray()], Place.Start(0)),
        SignatureForm.Of("EROFS", Kind, 0, [0xE2, 0xE1, 0xF5, 0xE0], Place.Start(1024)),
        SignatureForm.OfAny("cramfs", Kind, 0, [[0x45, 0x3D, 0xCD, 0x28], [0x28, 0xCD, 0x3D, 0x45]], Place.Start(0)),
        SignatureForm.Of("romfs", Kind, 0, "-rom1fs-"u8, Place.Start(0)),
        SignatureForm.Of("JFS", Kind, 0, "JFS1"u8, Place.Starts(32 * KiB, 60 * KiB)),
        SignatureForm.OfAny("ReiserFS", Kind, 52, ["ReIsErF"u8.ToArray(), "ReIsEr2"u8.ToArray(), "ReIsEr3"u8.ToArray()],
            Place.Starts(8 * KiB, 64 * KiB)),
        SignatureForm.OfAny("ReiserFS", Kind, 0, ["ReIsEr4"u8.ToArray()], Place.Start(64 * KiB)),
        SignatureForm.Of("NILFS2", Kind, 6, [0x34, 0x34], Place.Start(1024), Place.End(4096, 4096)),
        SignatureForm.Of("OCFS2", Kind, 0, "OCFSV2"u8, Place.Starts(1 * KiB, 2 * KiB, 4 * KiB, 8 * KiB)),
        SignatureForm.Of("OCFS", Kind, 8, "OracleCFS"u8, Place.Start(0)),
        SignatureForm.Of("GFS2", Kind, 0, [0x01, 0x16, 0x19, 0x70], Place.Start(64 * KiB)),
        SignatureForm.Of("bcachefs", Kind, 24,
            [0xC6, 0x85, 0x73, 0xF6, 0x66, 0xCE, 0x90, 0xA9, 0xD9, 0x6A, 0x60, 0xCF, 0x80, 0x3D, 0xF7, 0xEF],
            Place.Starts(4 * KiB, 4 * KiB + MiB)),
        SignatureForm.Of("zonefs", Kind, 0, "SFOZ"u8, Place.Start(0)),
        SignatureForm.Of("UBI", Kind, 0, "UBI#"u8, Place.Start(0)),
        SignatureForm.Of("UBIFS", Kind, 0, [0x31, 0x18, 0x10, 0x06], Place.Start(0)),
        SignatureForm.OfAny("Minix", Kind, 16, [[0x7F, 0x13], [0x8F, 0x13], [0x68, 0x24], [0x78, 0x24], [0x13, 0x7F], [0x24, 0x68]],
            Place.Start(1024)),
        SignatureForm.OfAny("Minix", Kind, 24, [[0x5A, 0x4D], [0x4D, 0x5A]], Place.Start(1024)),
    ];

    /// <summary>Copies of ext's superblock: in block groups 1 and the powers of 3, 5 and 7, for blocks of 1, 2 and 4 KiB.</summary>
    private static IEnumerable<Place> ExtBackups =>
        from block in (long[])[1 * KiB, 2 * KiB, 4 * KiB]
        from grouped in (int[])[1, 3, 5, 7, 9, 25, 27, 49, 81]
        // A group has as many blocks as a block of bitmap has bits.
        select Place.Start((grouped * block * 8 + (block == KiB ? 1 : 0)) * block);

    private static IEnumerable<SignatureForm> Foreign =>
    [
        SignatureForm.Of("FAT", Kind, 82, "FAT32"u8, Place.Starts(0, 6 * 512, 6 * 4096)),
        SignatureForm.OfAny("FAT", Kind, 54, ["FAT12"u8.ToArray(), "FAT16"u8.ToArray(), "FAT  "u8.ToArray()], Place.Start(0)),
        SignatureForm.OfAny("FAT", Kind, 3, ["MSDOS"u8.ToArray(), "MSWIN"u8.ToArray(), "mkfs."u8.ToArray()], Place.Start(0)),
        SignatureForm.Of("exFAT", Kind, 3, "EXFAT   "u8, Place.Starts(0, 12 * 512, 12 * 4096)),
        SignatureForm.Of("NTFS", Kind, 3, "NTFS    "u8, [Place.Start(0), .. Place.LastSectors(1)]),
        SignatureForm.Of("ReFS", Kind, 3, "ReFS"u8, [Place.Start(0), .. Place.LastSectors(1)]),
        SignatureForm.Of("HPFS", Kind, 0, [0x49, 0xE8, 0x95, 0xF9], Place.Start(8 * KiB)),
        SignatureForm.OfAny("HFS", Kind, 0, ["BD"u8.ToArray(), "H+"u8.ToArray(), "HX"u8.ToArray()], Place.Start(1024), Place.End(1024)),
        SignatureForm.Of("APFS", Kind, 32, "NXSB"u8, Place.Start(0)),
        new("UFS", Kind, 1376, Place.Starts(0, 8 * KiB, 64 * KiB, 256 * KiB), Ufs),
        SignatureForm.Of("VxFS", Kind, 0, [0xF5, 0xFC, 0x01, 0xA5], Place.Start(1024)),
        SignatureForm.Of("VxFS", Kind, 0, [0xA5, 0x01, 0xFC, 0xF5], Place.Start(8 * KiB)),
        SignatureForm.Of("BFS", Kind, 0, [0xCE, 0xFA, 0xAD, 0x1B], Place.Start(0)),
        SignatureForm.Of("BeFS", Kind, 32, "1SFB"u8, Place.Starts(0, 512)),
        SignatureForm.Of("VMFS", Kind, 0, [0x5E, 0xF1, 0xAB, 0x2F], Place.Starts(2 * MiB, 3 * MiB)),
        SignatureForm.Of("VMFS volume", SignatureKind.VolumeManager, 0, [0x0D, 0xD0, 0x01, 0xC0], Place.Starts(MiB, 2 * MiB)),
        SignatureForm.OfAny("SysV", Kind, 504, [[0xFD, 0x18, 0x7E, 0x20], [0x20, 0x7E, 0x18, 0xFD]],
            Place.Starts(512, 1024, 9 * KiB, 15 * KiB)),
    ];

    private static IEnumerable<SignatureForm> Optical =>
    [
        SignatureForm.Of("ISO 9660", Kind, 1, "CD001"u8, Descriptors(2048)),
        SignatureForm.Of("High Sierra", Kind, 9, "CDROM"u8, Place.Start(32 * KiB)),
        SignatureForm.OfAny("UDF", Kind, 1,
            ["BEA01"u8.ToArray(), "NSR02"u8.ToArray(), "NSR03"u8.ToArray(), "BOOT2"u8.ToArray(), "TEA01"u8.ToArray()],
            [.. Descriptors(2048), .. Descriptors(4096)]),
        // The anchor of a volume: a tag that says its own place.
        new("UDF", Kind, 16, [.. from block in (long[])[512, 2048, 4096] from place in Anchors(block) select place], UdfAnchor),
    ];

    private static Place[] Descriptors(int block) =>
        [.. from number in Enumerable.Range(0, 8) select Place.Start(32 * KiB + number * block)];

    private static Place[] Anchors(long block) => [Place.Start(256 * block), Place.End(block, block), Place.End(257 * block, block)];

    private static IEnumerable<SignatureForm> Swap => from page in (int[])[4, 8, 16, 32, 64]
        from magic in (string[])["SWAPSPACE2", "SWAP-SPACE", "S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001"]
        select SignatureForm.Of("swap", SignatureKind.Swap, 0, Encoding.ASCII.GetBytes(magic), Place.Start(page * KiB - 10));

    private static int Ufs(ReadOnlySpan<byte> structure)
    {
        const int at = 1372;
        if (structure.Length < at + 4) return -1;
        var value = BinaryPrimitives.ReadUInt32LittleEndian(structure[at..]);
        return IsUfs(value) || IsUfs(BinaryPrimitives.ReverseEndianness(value)) ? at : -1;
    }

    private static bool IsUfs(uint magic) =>
        magic is 0x00011954 or 0x19540119 or 0x00195612 or 0x00095014 or 0x00612195 or 0x05231994;

    /// <summary>ECMA-167, 3/7.2: tag 2, version 2 or 3, and the sum of the tag's other bytes.</summary>
    private static int UdfAnchor(ReadOnlySpan<byte> structure)
    {
        if (structure.Length < 16 || structure[0] != 2 || structure[1] != 0 || structure[2] is not (2 or 3) || structure[3] != 0) return -1;
        var sum = 0;
        for (var i = 0; i < 16; i++) sum += i == 4 ? 0 : structure[i];
        return (byte)sum == structure[4] ? 0 : -1;
    }
}

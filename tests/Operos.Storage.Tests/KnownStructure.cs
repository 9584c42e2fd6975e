using System.Text;

namespace Operos.Storage.Tests;

/// <summary>
/// What other software writes, by its documentation: the tests' own list, which shares nothing with the code that it judges.
/// </summary>
/// <param name="Names">What it may be called; the first where it stands alone.</param>
/// <param name="Places">Where it stands on a disk of so many bytes with sectors of so many.</param>
/// <param name="Magic">The bytes that it is known by, and where in the structure they stand.</param>
/// <param name="Length">Of the structure, which is more than its magic.</param>
internal sealed record KnownStructure(string[] Names, Func<long, int, IEnumerable<long>> Places, byte[] Magic, int MagicAt, int Length)
{
    private const long KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;

    public override string ToString() => Names[0];

    /// <summary>The structure, with something in each of its bytes that nobody asks for.</summary>
    public byte[] Make(Random random)
    {
        var bytes = new byte[Length];
        // No zeros, nor ones: whatever is left of it is data.
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)random.Next(0x80, 0xF0);
        Magic.CopyTo(bytes, MagicAt);
        return bytes;
    }

    public static IReadOnlyList<KnownStructure> All { get; } =
    [
        // File systems.
        Text("ext2/3/4", [0x53, 0xEF], 56, 1024, ExtPlaces),
        Text("XFS", "XFSB", 0, 512, 0),
        Text("Btrfs", "_BHRfS_M", 64, 4096, 64 * KiB, 64 * MiB, 256 * GiB),
        Text("FAT", "FAT32   ", 82, 512, 0, 3072),
        Text("FAT", "FAT16   ", 54, 512, 0),
        Text("exFAT", "EXFAT   ", 3, 512, 0, 6144),
        Text("NTFS", "NTFS    ", 3, 512, 0),
        End("NTFS", "NTFS    ", 3, 512, (size, sector) => [size / sector * sector - sector]),
        Text("F2FS", [0x10, 0x20, 0xF5, 0xF2], 0, 1024, 1024, 5120),
        Text("SquashFS", "hsqs", 0, 96, 0),
        Text("EROFS", [0xE2, 0xE1, 0xF5, 0xE0], 0, 128, 1024),
        Text("JFS", "JFS1", 0, 512, 32 * KiB, 0xF000),
        Text("ReiserFS", "ReIsEr2Fs", 52, 512, 64 * KiB, 8 * KiB),
        Text("NILFS2", [0x34, 0x34], 6, 1024, 1024),
        End("NILFS2", [0x34, 0x34], 6, 1024, (size, _) => [((size >> 12) - 1) << 12]),
        Text("OCFS2", "OCFSV2", 0, 512, 1024, 2048, 4096, 8192),
        Text("GFS2", [0x01, 0x16, 0x19, 0x70], 0, 512, 65536),
        Text("HFS", "H+", 0, 512, 1024),
        End("HFS", "H+", 0, 512, (size, _) => [size - 1024]),
        Text("APFS", "NXSB", 32, 4096, 0),
        Text("UFS", [0x19, 0x01, 0x54, 0x19], 1372, 1376, 8192, 65536, 262144),
        Text("VxFS", [0xF5, 0xFC, 0x01, 0xA5], 0, 512, 1024),
        Text("VMFS volume", [0x0D, 0xD0, 0x01, 0xC0], 0, 512, MiB),
        Text("VMFS", [0x5E, 0xF1, 0xAB, 0x2F], 0, 512, 2 * MiB),
        Text("bcachefs", [0xC6, 0x85, 0x73, 0xF6, 0x66, 0xCE, 0x90, 0xA9, 0xD9, 0x6A, 0x60, 0xCF, 0x80, 0x3D, 0xF7, 0xEF], 24, 512, 4096),
        Text("ISO 9660", "CD001", 1, 2048, 32 * KiB),
        Text("UDF", "NSR02", 1, 2048, 34 * KiB, 36 * KiB),
        .. from page in (long[])[4096, 8192, 16384, 32768, 65536]
           from magic in (string[])["SWAPSPACE2", "SWAP-SPACE", "S1SUSPEND", "LINHIB0001"]
           select Text("swap", magic, 0, 10, page - 10),
        // What a disk is a member of, or encrypted with.
        Text("LVM2", "LABELONE", 0, 512, 0, 512, 1024, 1536),
        Text("LVM1", [(byte)'H', (byte)'M', 1, 0], 0, 512, 0),
        Text("LUKS", [.. "LUKS"u8, 0xBA, 0xBE], 0, 4096, 0),
        Text("LUKS2, second header", [.. "SKUL"u8, 0xBA, 0xBE], 0, 4096, 0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000, 0x100000,
            0x200000, 0x400000),
        Text("BitLocker", "-FVE-FS-", 3, 512, 0),
        Text("bcache", [0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA, 0x82, 0x65, 0xF5, 0x7F, 0x48, 0xBA, 0x6D, 0x81], 24, 512, 4096),
        Text("Stratis", "!Stra0tis", 4, 512, 512, 4608),
        Text("VDO", "dmvdo001", 0, 512, 0),
        Text("Oracle ASM", "ORCLDISK", 32, 512, 0),
        Text("Ceph BlueStore", "bluestore block device\n", 0, 4096, 0, GiB, 10 * GiB, 100 * GiB, 1000 * GiB),
        // A ZFS label's uberblock: one of 128 places in each of four labels.
        Text("ZFS", [0x0C, 0xB1, 0xBA, 0, 0, 0, 0, 0], 0, 168, 128 * KiB, 129 * KiB, 200 * KiB, 255 * KiB, 384 * KiB, 511 * KiB),
        End("ZFS", [0, 0, 0, 0, 0, 0xBA, 0xB1, 0x0C], 0, 168, (size, _) =>
            [size / (256 * KiB) * 256 * KiB - 384 * KiB, size / (256 * KiB) * 256 * KiB - 128 * KiB, size / (256 * KiB) * 256 * KiB - KiB]),
        Text("md RAID 1.1", [0xFC, 0x4E, 0x2B, 0xA9], 0, 256, 0),
        Text("md RAID 1.2", [0xFC, 0x4E, 0x2B, 0xA9], 0, 256, 4096),
        // md(4): between 8 and 12 KiB from the end, and the last 64 KiB that is aligned to as many.
        End("md RAID 1.0", [0xFC, 0x4E, 0x2B, 0xA9], 0, 256, (size, _) => [(size / 512 - 16) / 8 * 8 * 512]),
        End("md RAID 0.90", [0xFC, 0x4E, 0x2B, 0xA9], 0, 4096, (size, _) => [(size & ~0xFFFFL) - 0x10000]),
        End("DRBD", [0x83, 0x74, 0x02, 0x6B], 60, 4096, (size, _) => [size / 4096 * 4096 - 4096]),
        End("Intel RAID", "Intel Raid ISM Cfg Sig. ", 0, 512, (size, sector) => [size / sector * sector - 2 * sector]),
        // The anchor, which mdadm writes as if sectors were of 512 bytes, and the two headers that it leads to where mdadm puts them.
        End("DDF RAID", [0xDE, 0x11, 0xDE, 0x11], 0, 512, (size, sector) => [size / sector * sector - sector]),
        End("DDF RAID", [0xDE, 0x11, 0xDE, 0x11], 0, 512, (size, _) =>
            [size / 512 * 512 - 512, size / 512 * 512 - 16 * MiB, size / 512 * 512 - 32 * MiB]),
        End("LSI RAID", "$XIDE$", 0, 512, (size, sector) => [size / sector * sector - sector]),
        End("NVIDIA RAID", "NVIDIA", 0, 512, (size, sector) => [size / sector * sector - 2 * sector]),
        End("Promise RAID", "Promise Technology, Inc.", 0, 512, (size, _) => [size / 512 * 512 - 63 * 512, size / 512 * 512 - 3087 * 512]),
        End("Adaptec RAID", [0x37, 0xFC, 0x4D, 0x1E], 0, 512, (size, sector) => [size / sector * sector - sector]),
        End("Silicon Image RAID", [0, 0, 0, 0x2F], 0x60, 512, (size, sector) => [size / sector * sector - sector]),
        // Partition tables, and what boots.
        Text("GPT", "EFI PART", 0, 512, 512, 4096),
        End("GPT", "EFI PART", 0, 512, (size, sector) => [size / sector * sector - sector]),
        new(["boot sector", "MBR", "protective MBR"], (_, _) => [0], [0x55, 0xAA], 510, 512),
        Text("Sun label", [0xDA, 0xBE], 508, 512, 0),
        Text("Apple partition map", "PM", 0, 512, 512),
        Text("BSD label", [0x57, 0x45, 0x56, 0x82], 0, 276, 512),
        Text("LDM", "PRIVHEAD", 0, 512, 3072),
    ];

    private static IEnumerable<long> ExtPlaces(long size)
    {
        yield return 1024;
        // mke2fs(8), sparse_super: groups 1 and powers of 3, 5 and 7; a group has 8 blocks for each byte of one.
        foreach (var block in (long[])[1024, 2048, 4096])
        {
            foreach (var group in (long[])[1, 3, 5, 7, 9, 25, 27, 49])
            {
                var place = group * 8 * block * block + (block == 1024 ? 1024 : 0);
                if (place < size - 4096) yield return place;
            }
        }
    }

    private static KnownStructure Text(string name, string magic, int at, int length, params long[] places) =>
        Text(name, Encoding.ASCII.GetBytes(magic), at, length, places);

    private static KnownStructure Text(string name, byte[] magic, int at, int length, params long[] places) =>
        Text(name, magic, at, length, _ => places);

    private static KnownStructure Text(string name, byte[] magic, int at, int length, Func<long, IEnumerable<long>> places) =>
        new([name], (size, _) => places(size).Where(place => place + length <= size), magic, at, Math.Max(length, at + magic.Length));

    private static KnownStructure End(string name, string magic, int at, int length, Func<long, int, IEnumerable<long>> places) =>
        End(name, Encoding.ASCII.GetBytes(magic), at, length, places);

    private static KnownStructure End(string name, byte[] magic, int at, int length, Func<long, int, IEnumerable<long>> places) =>
        new([name], (size, sector) => places(size, sector).Where(place => place >= 0), magic, at, Math.Max(length, at + magic.Length));
}

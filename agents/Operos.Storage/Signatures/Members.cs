using System.Buffers.Binary;

namespace Operos.Storage.Signatures;

/// <summary>Disks that are a part of something: of an array, a volume group, a pool, a cluster; and those that are encrypted.</summary>
internal static class Members
{
    private const int KiB = 1024, MiB = 1024 * KiB;
    private const long GiB = 1024L * MiB;

    public static IEnumerable<SignatureForm> All => [.. Volumes, .. Encrypted, .. Arrays, .. FirmwareArrays];

    private static IEnumerable<SignatureForm> Volumes =>
    [
        SignatureForm.Of("LVM2", SignatureKind.VolumeManager, 0, "LABELONE"u8, Place.Starts(0, 512, 1024, 1536)),
        SignatureForm.OfAny("LVM1", SignatureKind.VolumeManager, 0, [[(byte)'H', (byte)'M', 1, 0], [(byte)'H', (byte)'M', 2, 0]],
            Place.Start(0)),
        // ZFS keeps four labels of 256 KiB: two at the start, two at the end of the size rounded down to a label's.
        new("ZFS", SignatureKind.VolumeManager, 256 * KiB,
            [Place.Start(0), Place.Start(256 * KiB), Place.End(512 * KiB, 256 * KiB), Place.End(256 * KiB, 256 * KiB)], Zfs),
        SignatureForm.Of("bcache", SignatureKind.VolumeManager, 24,
            [0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA, 0x82, 0x65, 0xF5, 0x7F, 0x48, 0xBA, 0x6D, 0x81],
            Place.Starts(4 * KiB, 4 * KiB + MiB)),
        SignatureForm.Of("Stratis", SignatureKind.VolumeManager, 4, "!Stra0tis"u8, Place.Starts(512, 9 * 512)),
        SignatureForm.Of("VDO", SignatureKind.VolumeManager, 0, "dmvdo001"u8, Place.Start(0)),
        SignatureForm.Of("device-mapper snapshot", SignatureKind.VolumeManager, 0, "SnAp"u8, Place.Start(0)),
        SignatureForm.Of("Storage Spaces", SignatureKind.VolumeManager, 0, "SPACEDB "u8, Place.Starts(0, 4 * KiB)),
        SignatureForm.Of("Oracle ASM", SignatureKind.VolumeManager, 32, "ORCLDISK"u8, Place.Starts(0, MiB)),
        // Ceph writes copies of the label since its release 20, and wipefs(8) leaves those.
        SignatureForm.Of("Ceph BlueStore", SignatureKind.ObjectStore, 0, "bluestore block device"u8,
            Place.Starts(0, GiB, 10 * GiB, 100 * GiB, 1000 * GiB)),
    ];

    private static IEnumerable<SignatureForm> Encrypted =>
    [
        SignatureForm.Of("LUKS", SignatureKind.Encryption, 0, [.. "LUKS"u8, 0xBA, 0xBE], Place.Start(0)),
        SignatureForm.Of("LUKS2, second header", SignatureKind.Encryption, 0, [.. "SKUL"u8, 0xBA, 0xBE],
            Place.Starts(16 * KiB, 32 * KiB, 64 * KiB, 128 * KiB, 256 * KiB, 512 * KiB, MiB, 2 * MiB, 4 * MiB)),
        SignatureForm.Of("BitLocker", SignatureKind.Encryption, 3, "-FVE-FS-"u8, Place.Start(0)),
        SignatureForm.Of("BitLocker To Go", SignatureKind.Encryption, 3, "MSWIN4.1"u8, Place.Start(0)),
        SignatureForm.Of("dm-verity", SignatureKind.Encryption, 0, [.. "verity"u8, 0, 0], Place.Start(0)),
        SignatureForm.Of("dm-integrity", SignatureKind.Encryption, 0, [.. "integrt"u8, 0], Place.Start(0)),
        SignatureForm.Of("FileVault", SignatureKind.Encryption, 88, "CS"u8, Place.Start(0)),
    ];

    private static IEnumerable<SignatureForm> Arrays =>
    [
        Md("md RAID 1.1", Place.Start(0)),
        Md("md RAID 1.2", Place.Start(4 * KiB)),
        Md("md RAID 1.0", Place.End(8 * KiB, 4 * KiB)),
        Md("md RAID 0.90", Place.End(64 * KiB, 64 * KiB)),
        new("DRBD", SignatureKind.Raid, 64, [Place.End(4 * KiB, 4 * KiB), Place.End(4 * KiB)], Drbd),
        SignatureForm.Of("drbdmanage control volume", SignatureKind.Raid, 0, "$DRBDmgr=q"u8, Place.Start(0)),
    ];

    private static SignatureForm Md(string name, Place place) => SignatureForm.OfAny(name, SignatureKind.Raid, 0,
        [[0xFC, 0x4E, 0x2B, 0xA9], [0xA9, 0x2B, 0x4E, 0xFC]], place);

    /// <summary>What the firmware of a controller or a board leaves of an array, mostly in the last sectors.</summary>
    private static IEnumerable<SignatureForm> FirmwareArrays =>
    [
        SignatureForm.Of("Intel RAID", SignatureKind.Raid, 0, "Intel Raid ISM Cfg Sig. "u8, Place.LastSectors(2)),
        // The anchor; and the two headers that it leads to where mdadm puts them, which wipefs(8) leaves.
        SignatureForm.OfAny("DDF RAID", SignatureKind.Raid, 0, [[0xDE, 0x11, 0xDE, 0x11], [0x11, 0xDE, 0x11, 0xDE]],
            [.. Place.LastSectors(1, 257), Place.End(16 * MiB), Place.End(32 * MiB)]),
        SignatureForm.Of("LSI RAID", SignatureKind.Raid, 0, "$XIDE$"u8, Place.LastSectors(1)),
        SignatureForm.Of("NVIDIA RAID", SignatureKind.Raid, 0, "NVIDIA"u8, Place.LastSectors(2)),
        SignatureForm.Of("Promise RAID", SignatureKind.Raid, 0, "Promise Technology, Inc."u8,
            Place.LastSectors(63, 255, 256, 16, 399, 591, 675, 735, 911, 974, 991, 951, 3087)),
        SignatureForm.Of("Silicon Image RAID", SignatureKind.Raid, 0x60, [0, 0, 0, 0x2F], Place.LastSectors(1)),
        SignatureForm.Of("Adaptec RAID", SignatureKind.Raid, 0, [0x37, 0xFC, 0x4D, 0x1E], Place.LastSectors(1)),
        SignatureForm.Of("Adaptec RAID", SignatureKind.Raid, 264, "DPTM"u8, Place.LastSectors(1)),
        SignatureForm.Of("JMicron RAID", SignatureKind.Raid, 0, "JM"u8, Place.LastSectors(1)),
        SignatureForm.Of("VIA RAID", SignatureKind.Raid, 0, [0x55, 0xAA], Place.LastSectors(1)),
        SignatureForm.OfAny("HighPoint RAID", SignatureKind.Raid, 32, [[0xF0, 0x16, 0x78, 0x5A], [0xFD, 0x16, 0x78, 0x5A]],
            Place.Starts(9 * 512, 9 * 4096)),
        SignatureForm.OfAny("HighPoint RAID", SignatureKind.Raid, 0, [[0xF3, 0x16, 0x78, 0x5A], [0xFD, 0x16, 0x78, 0x5A]],
            Place.LastSectors(11)),
    ];

    /// <summary>A label's uberblocks, of 1 KiB at least in its second half; else the name/value list in its first.</summary>
    private static int Zfs(ReadOnlySpan<byte> label)
    {
        const ulong magic = 0x00BAB10C;
        for (var at = 128 * KiB; at + 8 <= label.Length; at += KiB)
        {
            var value = BinaryPrimitives.ReadUInt64LittleEndian(label[at..]);
            if (value == magic || BinaryPrimitives.ReverseEndianness(value) == magic) return at;
        }
        // XDR, either byte order inside; its first name.
        const int list = 16 * KiB;
        if (label.Length < list + 64 || label[list] != 1 || label[list + 1] > 1 || label.Slice(list + 2, 2).ContainsAnyExcept((byte)0))
            return -1;
        var name = label.Slice(list, 64).IndexOf("version"u8);
        return name < 0 ? -1 : list;
    }

    /// <summary>DRBD 0.7 to 9: the magic has one place, its last digits tell the version and whether it was in use.</summary>
    private static int Drbd(ReadOnlySpan<byte> structure) => structure.Length >= 64
        && BinaryPrimitives.ReadUInt32BigEndian(structure[60..]) is >= 0x83740267 and <= 0x8374026F ? 60 : -1;
}

namespace Operos.Storage.Tests;

/// <summary>An image as a real program makes it.</summary>
/// <param name="Make">A shell script: the image is <c>$D</c>, all zeros; <c>$F</c> is a folder of its own.</param>
/// <param name="Names">The signatures that must be found, each as often as it stands there.</param>
internal sealed record RealImage(string Name, string Make, params string[] Names)
{
    /// <summary>Whether something is left of it without the first MiB.</summary>
    public bool OutlivesItsFirstMebibyte { get; init; } = true;

    /// <summary>Whether something is left in its first half.</summary>
    public bool OutlivesACut { get; init; } = true;

    public int Mebibytes { get; init; } = 64;

    public override string ToString() => Name;

    public static IReadOnlyList<RealImage> All { get; } =
    [
        new("ext4", "mkfs.ext4 -q -F -b 4096 $D", "ext2/3/4", "ext2/3/4") { Mebibytes = 160 },
        new("ext4, blocks of 1 KiB", "mkfs.ext4 -q -F -b 1024 $D", "ext2/3/4", "ext2/3/4", "ext2/3/4"),
        new("ext2", "mkfs.ext2 -q -F $D", "ext2/3/4", "ext2/3/4"),
        new("XFS", "mkfs.xfs -q -f $D", "XFS") { Mebibytes = 320 },
        new("Btrfs", "mkfs.btrfs -q -f $D", "Btrfs", "Btrfs") { Mebibytes = 128 },
        new("FAT32", "mkfs.vfat -F 32 $D", "FAT", "FAT", "boot sector") { OutlivesItsFirstMebibyte = false },
        new("FAT16", "mkfs.vfat -F 16 -s 16 $D", "FAT", "boot sector") { OutlivesItsFirstMebibyte = false },
        new("exFAT", "mkfs.exfat $D", "exFAT", "exFAT", "boot sector"),
        new("NTFS", "mkfs.ntfs -F -Q $D", "NTFS", "NTFS", "boot sector"),
        new("F2FS", "mkfs.f2fs -f $D", "F2FS", "F2FS"),
        new("JFS", "mkfs.jfs -q $D", "JFS", "JFS"),
        new("NILFS2", "mkfs.nilfs2 -f $D", "NILFS2", "NILFS2") { Mebibytes = 160 },
        new("UDF", "mkfs.udf $D", "UDF", "UDF", "UDF"),
        new("SquashFS", "rm $D; mkdir $F/s; head -c 3000000 /dev/urandom > $F/s/a; mksquashfs $F/s $D -quiet -no-progress; "
            + "truncate -s 64M $D", "SquashFS"),
        new("swap", "mkswap $D", "swap") { OutlivesItsFirstMebibyte = false },
        new("swap, pages of 64 KiB", "mkswap -p 65536 $D", "swap") { OutlivesItsFirstMebibyte = false },
        new("LUKS1", "echo secret | cryptsetup -q luksFormat --type luks1 --pbkdf-force-iterations 1000 $D -", "LUKS"),
        new("LUKS2", "echo secret | cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $D -",
            "LUKS", "LUKS2, second header") { OutlivesItsFirstMebibyte = false },
        new("bcache", "make-bcache -B $D", "bcache") { OutlivesItsFirstMebibyte = false },
        new("DRBD 9", "drbdmeta --force 0 v09 $D internal create-md 1", "DRBD") { OutlivesACut = false },
        new("DRBD 8", "drbdmeta --force 0 v08 $D internal create-md", "DRBD") { OutlivesACut = false },
        new("GPT of sgdisk", "sgdisk -n 1:0:+20M -n 2:0:0 $D", "GPT", "GPT", "protective MBR"),
        new("GPT of parted, without partitions", "parted -s $D mklabel gpt", "GPT", "GPT", "protective MBR"),
        new("DOS table", "echo ,,L | sfdisk -q $D", "MBR") { OutlivesItsFirstMebibyte = false },
        new("DOS table without partitions", "parted -s $D mklabel msdos", "boot sector") { OutlivesItsFirstMebibyte = false },
        new("Apple partition map", "parted -s $D mklabel mac", "Apple partition map") { OutlivesItsFirstMebibyte = false },
        new("Amiga", "parted -s $D mklabel amiga", "Amiga RDB") { OutlivesItsFirstMebibyte = false },
        new("BSD label", "parted -s $D mklabel bsd", "BSD label") { OutlivesItsFirstMebibyte = false },
        new("SGI", "parted -s $D mklabel dvh", "SGI volume header") { OutlivesItsFirstMebibyte = false },
        new("Sun", "parted -s $D mklabel sun", "Sun label") { OutlivesItsFirstMebibyte = false },
        new("hybrid ISO", "mkdir $F/i; head -c 3000000 /dev/urandom > $F/i/a; truncate -s 4M $F/efi; mkfs.vfat $F/efi; "
            + "xorriso -as mkisofs -quiet -o $D -V X -partition_offset 16 -append_partition 2 0xef $F/efi -appended_part_as_gpt $F/i; "
            + "truncate -s 64M $D", "ISO 9660", "GPT", "protective MBR"),
        // One over the other, as tools that ask nobody do it.
        new("swap over ext4 over XFS", "mkfs.xfs -q -f $D; mkfs.ext4 -q -F $D; mkswap $D", "swap", "ext2/3/4") { Mebibytes = 320 },
        new("FAT over NTFS", "mkfs.ntfs -F -Q $D; mkfs.vfat -F 32 $D", "FAT", "NTFS"),
        new("an ISO's bytes over a GPT", "sgdisk -n 1:0:0 $D; mkdir $F/i; echo a > $F/i/a; xorriso -as mkisofs -quiet -o $F/iso $F/i; "
            + "dd if=$F/iso of=$D conv=notrunc status=none", "ISO 9660", "GPT"),
    ];
}

namespace Operos.Storage.Work;

/// <summary>
/// What a BIOS runs where it takes a disk of ours for one to boot from. It asks for the 55 AA at the end of the first sector alone, which
/// the protective MBR of every GPT has; over the zeros that systemd-repart leaves before it a machine runs into nowhere, and one whose
/// controller was away at the moment of its network boot stands still until somebody comes.
/// </summary>
internal static class BootCode
{
    /// <summary>Of the first sector; the disk's own signature and the partitions follow.</summary>
    private const int MostBytes = 440;

    /// <summary>int 18h: nothing boots here, the next device; int 19h: from the beginning; and who comes back from both waits.</summary>
    internal static ReadOnlySpan<byte> Instructions => [0xCD, 0x18, 0xCD, 0x19, 0xF4, 0xEB, 0xFD];

    /// <summary>Writes it where nothing is; the sectors behind it get the bytes that they have.</summary>
    /// <exception cref="IOException">Something is there, or it cannot be written.</exception>
    public static void Write(IDiskBlocks disk)
    {
        var block = disk.Read(0, ErasePattern.Block).ToArray();
        var place = block.AsSpan(0, MostBytes);
        if (place.StartsWith(Instructions)) return;
        if (place.ContainsAnyExcept((byte)0) && place.ContainsAnyExcept((byte)0xFF))
            throw new IOException("its first sector has boot code of somebody else's");
        place.Clear();
        Instructions.CopyTo(place);
        disk.Write(0, block);
        disk.Flush();
    }
}

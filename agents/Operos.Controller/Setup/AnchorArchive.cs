using System.Globalization;
using System.Text;
using Operos.Linux;

namespace Operos.Controller.Setup;

/// <summary>
/// The trust anchor as a cpio that the boot loader appends to the initramfs (newc;
/// Documentation/driver-api/early-userspace/buffer-format.rst).
/// </summary>
internal static class AnchorArchive
{
    // S_IFREG and S_IFDIR of inode(7), with the permissions.
    private const int RegularFile = 0x8000 | (int)FileModes.Readable, Folder = 0x4000 | (int)FileModes.ReadableFolder;

    public static byte[] Write(string releaseKeysPem, string caPem)
    {
        using var archive = new MemoryStream();
        var inode = 1;
        foreach (var folder in (string[])["etc", "etc/operos", "etc/operos/anchor"]) Entry(archive, inode++, folder, Folder, []);
        Entry(archive, inode++, "etc/operos/anchor/cluster-ca.crt", RegularFile, Encoding.ASCII.GetBytes(caPem));
        Entry(archive, inode++, "etc/operos/anchor/release.pub", RegularFile, Encoding.ASCII.GetBytes(releaseKeysPem));
        Entry(archive, 0, "TRAILER!!!", 0, []);
        Pad(archive, 512);
        return archive.ToArray();
    }

    private static void Entry(MemoryStream archive, int inode, string name, int mode, byte[] contents)
    {
        // Owner 0, time 0: the same anchor is the same bytes.
        int[] fields = [inode, mode, 0, 0, (mode & 0xF000) == 0x4000 ? 2 : 1, 0, contents.Length, 0, 0, 0, 0, name.Length + 1, 0];
        archive.Write(Encoding.ASCII.GetBytes("070701" + string.Concat(
            fields.Select(field => field.ToString("x8", CultureInfo.InvariantCulture))) + name + "\0"));
        Pad(archive, 4);
        archive.Write(contents);
        Pad(archive, 4);
    }

    private static void Pad(MemoryStream archive, int multiple)
    {
        while (archive.Length % multiple != 0) archive.WriteByte(0);
    }
}

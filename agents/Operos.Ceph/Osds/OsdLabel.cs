using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Operos.Ceph.Osds;

/// <summary>
/// What BlueStore wrote at the first byte of an OSD's device (bluestore_bdev_label_t): whose it is, and how far its making went. It is a
/// claim that anybody can write who can write the disk.
/// </summary>
public sealed record OsdLabel
{
    /// <summary>How much of a device it takes (BDEV_LABEL_BLOCK_SIZE).</summary>
    public const int Length = 4096;

    private const int MostValues = 64;

    private static ReadOnlySpan<byte> Magic => "bluestore block device\n"u8;

    /// <summary>The OSD's own UUID.</summary>
    public required Guid Osd { get; init; }

    /// <summary>Of the device when it was written, in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>What stands there by name.</summary>
    public required IReadOnlyDictionary<string, string> Values { get; init; }

    /// <summary>The cluster of Ceph that it was made for; null as long as its making has not come so far.</summary>
    public string? Fsid => Values.GetValueOrDefault("ceph_fsid");

    /// <summary>Its number in the cluster, as it is written there; null as long as its making has not come so far.</summary>
    public string? Id => Values.GetValueOrDefault("whoami");

    /// <summary>Whether its making came to the end: what is on it counts.</summary>
    public bool IsReady => Values.GetValueOrDefault("mkfs_done") == "yes" && Values.GetValueOrDefault("ready") == "ready";

    /// <summary>Whether one begins with these bytes, whole or not.</summary>
    public static bool Begins(ReadOnlySpan<byte> start) => start.StartsWith(Magic);

    /// <param name="start">The first <see cref="Length"/> bytes of a device on which one begins.</param>
    /// <exception cref="InvalidDataException">It is damaged, or of a form that is not known.</exception>
    public static OsdLabel Read(ReadOnlySpan<byte> start)
    {
        // The magic, the UUID as text, a line's end; then what is encoded (ENCODE_START), of a length that it tells itself; its CRC-32C.
        const int textual = 36 + 1, header = 2 + sizeof(uint);
        var body = Magic.Length + textual;
        if (!Begins(start) || start.Length < body + header) throw Damaged("it does not begin as one");
        if (start[body] < 1 || start[body + 1] > 2) throw Damaged($"its version {start[body]}.{start[body + 1]} is not known");
        var length = BinaryPrimitives.ReadUInt32LittleEndian(start[(body + 2)..]);
        if (length > start.Length - body - header - sizeof(uint)) throw Damaged("it is longer than its place");
        var end = body + header + (int)length;
        if (Checksum(start[..end]) != BinaryPrimitives.ReadUInt32LittleEndian(start[end..])) throw Damaged("its checksum is wrong");
        var fields = new Fields(start[(body + header)..end]);
        var osd = new Guid(fields.Take(16), bigEndian: true);
        var bytes = BinaryPrimitives.ReadInt64LittleEndian(fields.Take(sizeof(long)));
        // When it was made: seconds and nanoseconds; then what it is, such as "main".
        fields.Take(2 * sizeof(uint));
        fields.Text();
        var count = fields.Number();
        if (count > MostValues) throw Damaged($"it has {count} values");
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++) values[fields.Text()] = fields.Text();
        return new OsdLabel { Osd = osd, Bytes = bytes, Values = values };
    }

    /// <summary>As Ceph counts it: begun with ones, and not inverted in the end.</summary>
    internal static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes) crc = BitOperations.Crc32C(crc, value);
        return crc;
    }

    private static InvalidDataException Damaged(string how) =>
        new(string.Create(CultureInfo.InvariantCulture, $"the label of an OSD is damaged: {how}"));

    private ref struct Fields(ReadOnlySpan<byte> left)
    {
        private ReadOnlySpan<byte> left = left;

        public ReadOnlySpan<byte> Take(int length)
        {
            if (length > left.Length) throw Damaged("it ends too early");
            var taken = left[..length];
            left = left[length..];
            return taken;
        }

        public uint Number() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

        public string Text()
        {
            var length = Number();
            if (length > left.Length) throw Damaged("a value ends too late");
            return Encoding.UTF8.GetString(Take((int)length));
        }
    }
}

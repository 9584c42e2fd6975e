using System.Text;

namespace Operos.Linux;

/// <summary>A mount as the kernel tells it.</summary>
/// <param name="Device">Its device's number, such as <c>253:0</c>.</param>
/// <param name="Root">What of its file system is mounted; <c>/</c> for all of it.</param>
public sealed record MountPoint(string Device, string Root, string Where, string Type);

/// <summary>What is mounted where (proc(5), mountinfo).</summary>
public sealed class MountTable(IReadOnlyList<MountPoint> mounts)
{
    private const string Tmpfs = "tmpfs";

    public static MountTable Read(string path = "/proc/self/mountinfo") =>
        new([.. File.ReadLines(path).Select(Parse).OfType<MountPoint>()]);

    /// <summary>What is seen at a path; null where nothing is mounted there.</summary>
    public MountPoint? At(string path) => mounts.LastOrDefault(mount => mount.Where == path);

    /// <summary>Whether a disk's file system is seen there.</summary>
    public bool IsOnDisk(string path) => At(path) is { Type: not Tmpfs };

    /// <summary>Every place where a device is mounted, the last one first.</summary>
    public IEnumerable<MountPoint> Of(string device) => mounts.Where(mount => mount.Device == device).Reverse();

    /// <summary>Everything at a path and below, the last one first.</summary>
    public IEnumerable<MountPoint> Below(string path) =>
        mounts.Where(mount => mount.Where == path || mount.Where.StartsWith(path + "/", StringComparison.Ordinal)).Reverse();

    private static MountPoint? Parse(string line)
    {
        // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
        var words = line.Split(' ');
        var dash = Array.IndexOf(words, "-");
        return dash < 6 || dash + 1 >= words.Length ? null
            : new MountPoint(words[2], Unescape(words[3]), Unescape(words[4]), words[dash + 1]);
    }

    /// <summary>Blanks, tabs, line ends and backslashes are written as three octal digits.</summary>
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal)) return text;
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text.AsSpan(i + 1, 3) is var digits && !digits.ContainsAnyExceptInRange('0', '7'))
            {
                plain.Append((char)((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0'));
                i += 3;
            }
            else plain.Append(text[i]);
        }
        return plain.ToString();
    }
}

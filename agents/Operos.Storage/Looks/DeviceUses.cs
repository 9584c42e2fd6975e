using Operos.Linux;

namespace Operos.Storage.Looks;

/// <summary>Who has a device mounted or swaps to it (proc(5)).</summary>
/// <param name="mounts">The lines of mountinfo.</param>
/// <param name="swaps">The lines of swaps.</param>
internal sealed class DeviceUses(IReadOnlyList<string> mounts, IReadOnlyList<string> swaps)
{
    /// <param name="name">Of the device, such as <c>sda1</c>.</param>
    /// <param name="number">Its number as sysfs writes it: <c>8:1</c>.</param>
    public IEnumerable<string> Of(string name, string? number)
    {
        foreach (var line in mounts)
        {
            // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
            var words = line.Split(' ');
            var dash = Array.IndexOf(words, "-");
            if (words.Length < 5) continue;
            // Btrfs mounts have numbers of their own, and name a device.
            if (words[2] == number || (dash > 0 && dash + 2 < words.Length && words[dash + 2] == $"/dev/{name}"))
                yield return $"mounted at {PrintableText.Line(words[4])}";
        }
        foreach (var line in swaps)
        {
            if (line.Split(' ', 2)[0] == $"/dev/{name}") yield return "swap";
        }
    }
}

using System.Globalization;
using System.Text.RegularExpressions;

namespace Operos.Lab;

/// <summary>How far a machine has come, read from its console.</summary>
public sealed record BootProgress(string Phase, double Share, string Detail)
{
    /// <summary>What each console shows in turn, and how much of a boot is done by then, by the clock of an emulated machine.</summary>
    private static readonly (string Pattern, string Phase, double Share)[] Milestones =
    [
        (@"PXE|iPXE|UEFI|BdsDxe|SeaBIOS", "firmware", 0.05),
        (@"PXELINUX|lpxelinux|GNU GRUB|Fetching release|Booting", "boot loader", 0.15),
        (@"Linux version", "kernel", 0.35),
        (@"operos-init: .* init:", "drivers", 0.42),
        (@"operos-init: .* modules: done", "network", 0.48),
        (@"operos-init: .* (network|disk): done", "manifest", 0.50),
        (@"operos-init: .* manifest: done", "layers", 0.52),
        (@"operos-init: .* (fetch|verify): done", "mount", 0.68),
        (@"operos-init: .* switch: done", "systemd", 0.72),
        (@"login:", "agent", 0.95),
    ];

    public static BootProgress Read(string console)
    {
        var reached = new BootProgress("power on", 0.01, "");
        foreach (var (pattern, phase, share) in Milestones)
            if (Regex.IsMatch(console, pattern, RegexOptions.None, TimeSpan.FromSeconds(2))) reached = new BootProgress(phase, share, "");
        if (reached.Phase == "layers" && Regex.Matches(console, @"\[[#-]+\] +([0-9]+) %  (.*)$", RegexOptions.Multiline,
            TimeSpan.FromSeconds(2)).LastOrDefault() is { } fetch)
            reached = reached with { Share = 0.52 + 0.16 * int.Parse(fetch.Groups[1].Value, CultureInfo.InvariantCulture) / 100,
                Detail = fetch.Groups[2].Value.Trim() };
        var trouble = Regex.Matches(console, @"operos-(init|worker): (.*(trying again|starts again|looking again|not admitted).*)$",
            RegexOptions.Multiline, TimeSpan.FromSeconds(2)).LastOrDefault();
        return trouble is not null && reached.Phase != "agent" && console.Length - trouble.Index < 400
            ? reached with { Detail = trouble.Groups[2].Value.Trim() } : reached;
    }

    public string Bar(int width) => new string('#', (int)(Share * width)).PadRight(width, '-');
}

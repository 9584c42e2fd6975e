using System.Text;
using Operos.Proto;

namespace Operos.Ctl.Rendering;

/// <summary>The volumes of the pool: of which claim each is, and which machine has it.</summary>
internal static class VolumeTable
{
    public static string Render(VolumeList list, DateTimeOffset now)
    {
        var text = list.Volumes.Count == 0 ? "no volumes\n" : Table.Render(["VOLUME", "CLAIM", "STATE", "SIZE", "MACHINE", "SINCE", ""],
            [.. list.Volumes.Select(volume => (IReadOnlyList<string>)
            [
                volume.Volume, Or(volume.Claim), volume.Phase, Figures.Size(volume.Bytes), volume.MachineName ?? "-",
                volume.SinceUnixMs == 0 ? "-" : Figures.Age(volume.SinceUnixMs, now), volume.Text,
            ])]);
        return list.Trouble is { } trouble ? $"{text}\n{Terminal.Line(trouble)}\n" : text;
    }

    public static string Render(VolumeDetail detail, DateTimeOffset now)
    {
        var (text, volume) = (new StringBuilder(), detail.Volume);
        Line(text, "volume", volume.Volume);
        Line(text, "claim", Or(volume.Claim));
        Line(text, "state", volume.Phase);
        if (volume.Text.Length > 0) Line(text, "", volume.Text);
        Line(text, "size", Figures.Size(volume.Bytes));
        Line(text, "image", volume.Image);
        Line(text, "machine", volume.MachineName is { } name ? $"{name}, since {Figures.Age(volume.SinceUnixMs, now)}" : "none");
        foreach (var address in volume.Addresses) Line(text, "client", address);
        foreach (var watcher in detail.Watchers) Line(text, "open at", watcher);
        if (detail.Trouble is { } trouble) Line(text, "trouble", trouble);
        return text.ToString();
    }

    private static string Or(string text) => text.Length > 0 ? text : "-";

    private static void Line(StringBuilder text, string name, string value) => text.Append(null, $"{name,-7}  {Terminal.Line(value)}\n");
}

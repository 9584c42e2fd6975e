using Operos.Controller.Machines;
using Operos.Linux;
using Operos.Proto;

namespace Operos.Controller.Control;

/// <summary>What machines say in heartbeats, brought within bounds where it enters.</summary>
internal static class Heartbeats
{
    private const int MaxSteps = 32, LongestOsdText = 300;
    private static readonly TimeSpan LongestUptime = TimeSpan.FromDays(3650), ClockError = TimeSpan.FromDays(1);

    public static Heartbeat Bounded(Heartbeat heartbeat, DateTimeOffset now)
    {
        var latest = (now + ClockError).ToUnixTimeMilliseconds();
        return heartbeat with
        {
            UptimeSeconds = Math.Clamp(heartbeat.UptimeSeconds, 0, (long)LongestUptime.TotalSeconds),
            UnixTimeMs = Math.Clamp(heartbeat.UnixTimeMs, 0, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()),
            SystemState = PrintableText.Line(heartbeat.SystemState) ?? "unknown",
            Osds =
            [
                .. (heartbeat.Osds ?? []).Take(OsdState.Most).Select(osd => osd with
                {
                    Partition = PrintableText.Line(osd.Partition) ?? "", Disk = PrintableText.Line(osd.Disk) ?? "",
                    Text = PrintableText.Line(osd.Text, LongestOsdText) ?? "",
                }),
            ],
            Steps =
            [
                .. (heartbeat.Steps ?? []).Take(MaxSteps).Select(step => step with
                {
                    Name = PrintableText.Line(step.Name) ?? "unnamed",
                    Text = PrintableText.Line(step.Text, MachineWords.LongestText) ?? "",
                    SinceUnixMs = Math.Clamp(step.SinceUnixMs, 0, latest),
                }),
            ],
        };
    }
}

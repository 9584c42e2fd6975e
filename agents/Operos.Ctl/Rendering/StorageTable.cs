using System.Text;
using Operos.Proto;

namespace Operos.Ctl.Rendering;

/// <summary>How Ceph stands: what it comes to first, then what is wrong, then figures.</summary>
internal static class StorageTable
{
    public static string Render(StorageReply reply, DateTimeOffset now)
    {
        var text = new StringBuilder();
        Line(text, "storage", $"{reply.State}: {reply.Text}");
        foreach (var trouble in reply.Troubles) Line(text, "", trouble);
        if (reply.Fsid is { } fsid) Line(text, "cluster", fsid);
        foreach (var daemon in reply.Daemons)
            Line(text, daemon.Name, $"{daemon.Text}, since {Figures.Age(daemon.SinceUnixMs, now)}");
        if (reply.AsOfUnixMs == 0) return text.ToString();
        Line(text, "OSDs", $"{reply.Osds}, {reply.OsdsUp} up, {reply.OsdsIn} in, on {reply.Hosts} machines that are up");
        Line(text, "groups", $"{reply.PlacementGroups} placement groups, {reply.PlacementGroupsClean} complete"
            + (reply.Degraded > 0 ? $"; {reply.Degraded} of {reply.Copies} copies are missing" : ""));
        Line(text, "capacity", $"{Figures.Size(reply.BytesUsed)} of {Figures.Size(reply.Bytes)} used, before copies");
        foreach (var pool in reply.Pools)
            Line(text, $"pool {pool.Name}", $"{pool.Size} copies, works with {pool.MinSize}; {Figures.Size(pool.Bytes)} stored, "
                + $"{Figures.Size(pool.BytesLeft)} left");
        Line(text, "as of", Figures.Age(reply.AsOfUnixMs, now));
        return text.ToString();
    }

    public static string Render(OsdList list)
    {
        var text = list.Osds.Count == 0 ? "no OSDs\n" : Table.Render(["OSD", "MACHINE", "DISK", "STATE", "CLASS", "SIZE", "USED", ""],
            [.. list.Osds.Select(osd => (IReadOnlyList<string>)
            [
                osd.Id < 0 ? "-" : $"{osd.Id}", osd.MachineName ?? "-", osd.Disk ?? "-", osd.State + (osd.In || osd.Id < 0 ? "" : ", out"),
                osd.DeviceClass.Length > 0 ? osd.DeviceClass : "-", Figures.Size(osd.Bytes), Figures.Size(osd.BytesUsed), osd.Text,
            ])]);
        return list.Trouble is { } trouble ? $"{text}\n{Terminal.Line(trouble)}\n" : text;
    }

    private static void Line(StringBuilder text, string name, string value) => text.Append(null, $"{name,-11}  {Terminal.Line(value)}\n");
}

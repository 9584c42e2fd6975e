using Operos.Ceph;
using Operos.Ceph.Facts;
using Operos.Controller.Connections;
using Operos.Controller.Disks;
using Operos.Controller.Machines;
using Operos.Proto;

namespace Operos.Controller.Storage;

/// <summary>
/// What is shown of Ceph: the monitor's last word, and what machines say of their OSDs. Nobody is asked for it, so that it is shown at once
/// when nobody answers.
/// </summary>
/// <param name="ceph">Null where this cluster has none.</param>
/// <param name="staged">Which machine has which volume.</param>
internal sealed class StorageViews(CephMonitor? ceph, OsdBook book, VolumeBook staged, RackDisks disks, MachineRegistry machines,
    Sessions sessions)
{
    private const int MostTroubles = 64;

    public StorageReply Status()
    {
        if (ceph is null)
            return new StorageReply { State = "off",
                Text = "this cluster keeps no Ceph: storage.ceph = true in controller.toml begins one" };
        var daemons = ceph.Daemons.Select(daemon => new ComponentStatus { Name = daemon.Name, Healthy = daemon.Status.Healthy,
            Text = daemon.Status.Text, SinceUnixMs = daemon.Status.Since.ToUnixTimeMilliseconds() }).ToList();
        var broken = daemons.Where(daemon => !daemon.Healthy).Select(daemon => $"{daemon.Name}: {daemon.Text}").ToList();
        var fsid = ceph.Map is { } map ? $"{map.Fsid}" : null;
        if (ceph.StoreLoss is { } loss) return new StorageReply { State = "unknown", Fsid = fsid, Daemons = daemons, Text = loss };
        if (ceph.Facts is not { } facts)
            return new StorageReply { State = "unknown", Fsid = fsid, Daemons = daemons, Troubles = broken,
                Text = daemons.Count == 0 ? "it is being set up, or cannot be: operosctl status" : "ceph-mon has not answered yet" };
        var complaints = facts.Complaints.Where(HealthWords.Matters).ToList();
        List<string> troubles = [.. broken, .. Of(ceph.Trouble), .. complaints.Where(one => one.IsError).Select(HealthWords.Say),
            .. Stuck(), .. ceph.PoolWarnings, .. complaints.Where(one => !one.IsError).Select(HealthWords.Say)];
        var state = daemons.Any(daemon => daemon is { Name: "ceph-mon", Healthy: false }) ? "unknown"
            : complaints.Any(one => one.IsError) ? "error" : troubles.Count > 0 ? "warning" : "ok";
        return new StorageReply
        {
            State = state, Text = Say(state, facts), Troubles = [.. troubles.Take(MostTroubles)], Fsid = fsid, Daemons = daemons,
            Osds = facts.Osds.Count, OsdsUp = facts.Osds.Count(osd => osd.IsUp), OsdsIn = facts.Osds.Count(osd => osd.IsIn),
            Hosts = facts.HostsUp.Count, PlacementGroups = facts.AllPlacementGroups, PlacementGroupsClean = facts.CleanPlacementGroups,
            Degraded = facts.Degraded, Copies = facts.Copies, Bytes = facts.Bytes, BytesUsed = facts.BytesUsed,
            Pools = [.. facts.Pools.Select(pool => new PoolState { Name = pool.Name, Size = pool.Size, MinSize = pool.MinSize,
                PlacementGroups = pool.PlacementGroups, Bytes = pool.Bytes, BytesLeft = pool.BytesLeft })],
            AsOfUnixMs = facts.At.ToUnixTimeMilliseconds(),
        };
    }

    public OsdList Osds()
    {
        var isKnown = ceph?.Daemons.Any(daemon => daemon.Name == "ceph-mon" && daemon.Status.Healthy) == true && ceph.Facts is not null;
        var facts = (ceph?.Facts?.Osds ?? []).Where(osd => !osd.IsDestroyed).GroupBy(osd => osd.Uuid)
            .ToDictionary(same => same.Key, same => same.First());
        var granted = book.All.Where(osd => osd.Removed is null).ToDictionary(osd => osd.Partition);
        var told = Told();
        return new OsdList
        {
            Osds = [.. facts.Keys.Union(granted.Keys).Union(told.Keys).Select(partition => Entry(partition,
                facts.GetValueOrDefault(partition), granted.GetValueOrDefault(partition),
                told.TryGetValue(partition, out var said) ? said : null, isKnown))
                .Concat((ceph?.Facts?.Osds ?? []).Where(osd => osd.IsDestroyed).Select(Waiting))
                .OrderBy(osd => osd.Id < 0).ThenBy(osd => osd.Id).ThenBy(osd => osd.Partition, StringComparer.Ordinal)],
            Trouble = ceph is null ? "this cluster keeps no Ceph: storage.ceph in controller.toml"
                : !isKnown ? "ceph-mon does not answer: what is up is not known; operosctl storage status" : ceph.Trouble,
        };
    }

    /// <summary>
    /// What machines that are connected say of OSDs on disks that they told, by partition. Of two that tell the same the one counts that
    /// got its key.
    /// </summary>
    private Dictionary<Guid, (string Machine, OsdState State)> Told()
    {
        var told = new Dictionary<Guid, (string Machine, OsdState State)>();
        foreach (var machine in machines.All)
            foreach (var osd in sessions.Get(machine.Id)?.Last?.Osds ?? [])
                if (Guid.TryParseExact(osd.Partition, "D", out var partition) && disks.HasTold(machine.Id, osd.Disk)
                    && (!told.ContainsKey(partition) || book.Find(partition)?.Machine == machine.Id))
                    told[partition] = (machine.Id, osd);
        return told;
    }

    private OsdEntry Entry(Guid partition, OsdFacts? fact, GrantedOsd? granted, (string Machine, OsdState State)? told, bool isKnown)
    {
        // Its host in CRUSH is the machine on which it started last.
        var machine = told?.Machine ?? granted?.Machine ?? (fact?.Host is { } host && machines.Get(host) is not null ? host : null);
        var disk = told?.State.Disk ?? granted?.Disk;
        return new OsdEntry
        {
            Id = fact?.Id ?? granted?.Id ?? -1, Partition = $"{partition}", Machine = machine,
            MachineName = machine is null ? null : machines.Get(machine)?.Name ?? machine,
            Disk = machine is null || disk is null ? null
                : disks.Views.List(machine).FirstOrDefault(entry => entry.Disk.RecordDisk == disk)?.Disk.Identity,
            State = fact is null && told is not null ? "starting" : !isKnown ? "unknown" : fact is { IsUp: true } ? "up" : "down",
            In = fact?.IsIn == true, DeviceClass = fact?.DeviceClass ?? "", Bytes = fact?.Bytes ?? 0, BytesUsed = fact?.BytesUsed ?? 0,
            Text = told?.State.Text is { Length: > 0 } text ? text
                : told is null && machine is not null && sessions.Get(machine) is null ? "its machine is not connected" : "",
        };
    }

    /// <summary>One that was replaced, until its machine has another disk for it.</summary>
    private OsdEntry Waiting(OsdFacts fact)
    {
        var place = book.All.FirstOrDefault(osd => osd.AwaitsDisk && osd.Id == fact.Id);
        var machine = place?.Machine ?? fact.Host;
        return new OsdEntry
        {
            Id = fact.Id, Partition = "", Machine = machine, MachineName = machine is null ? null : machines.Get(machine)?.Name ?? machine,
            State = "destroyed", In = fact.IsIn, DeviceClass = fact.DeviceClass,
            Text = place is null ? "an operator of Ceph destroyed it: operosctl storage osd remove or replace"
                : "the next blank disk of its machine takes its place",
        };
    }

    /// <summary>A client of the former store has tickets that nobody takes any more: only another boot makes it new for sure.</summary>
    private IEnumerable<string> Stuck() => staged.All
        .Where(one => one.OfFormerStore || one.Since < ceph?.Rebuilt).GroupBy(one => one.Machine)
        .Select(those => (Name: machines.Get(those.Key)?.Name ?? those.Key, Count: those.Count()))
        .Select(one => $"{one.Name} has mapped {(one.Count == 1 ? "a volume" : $"{one.Count} volumes")} before the monitor's store was "
            + $"made anew: pods that use them may wait for ever. Next: operosctl machines reboot {one.Name} --force");

    private static string Say(string state, ClusterFacts facts) => state switch
    {
        "unknown" => "ceph-mon does not answer: what follows is what was known before",
        _ when facts.Osds.Count == 0 => "there is no OSD yet",
        "ok" => $"all {facts.Osds.Count} OSDs work, and all copies are there",
        _ => $"{facts.Osds.Count(osd => osd.IsUp)} of {facts.Osds.Count} OSDs are up, "
            + $"{facts.CleanPlacementGroups} of {facts.AllPlacementGroups} placement groups are complete",
    };

    private static IEnumerable<string> Of(string? trouble) => trouble is null ? [] : [trouble];
}

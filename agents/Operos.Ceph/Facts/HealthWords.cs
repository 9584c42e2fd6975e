namespace Operos.Ceph.Facts;

/// <summary>Ceph's complaints in an operator's words, with the next step.</summary>
public static class HealthWords
{
    /// <summary>
    /// Not of the operator's business: our manager has no modules, no pool is compressed, and few copies are told in our own words.
    /// </summary>
    private static readonly string[] Expected =
        ["MGR_MODULE_ERROR", "BLUESTORE_NO_COMPRESSION", "TOO_FEW_OSDS", "POOL_NO_REDUNDANCY", "RECENT_CRASH"];

    private static readonly Dictionary<string, string> NextSteps = new(StringComparer.Ordinal)
    {
        ["OSD_DOWN"] = "operosctl storage osd list says which, and why; its machine may be off",
        ["OSD_HOST_DOWN"] = "is the machine on? operosctl machines list",
        ["OSD_NEARFULL"] = "add disks or delete data soon: when an OSD is full, everything that writes stops",
        ["OSD_BACKFILLFULL"] = "add disks or delete data now: copies can no longer be made again on it",
        ["OSD_FULL"] = "everything that writes is stopped: add disks, or delete data",
        ["POOL_FULL"] = "everything that writes is stopped: add disks, or delete data",
        ["POOL_NEARFULL"] = "add disks or delete data soon",
        ["PG_AVAILABILITY"] = "what lies there waits: bring back the machines or disks that are down",
        ["PG_DEGRADED"] = "copies are made again by themselves where there are hosts enough",
        ["PG_DAMAGED"] = "copies differ: look for a disk that fails (operosctl storage osd list)",
        ["OSD_SCRUB_ERRORS"] = "copies differ: look for a disk that fails (operosctl storage osd list)",
        ["MON_DISK_LOW"] = "make room on the controller's disk",
        ["MON_DISK_CRIT"] = "make room on the controller's disk now: the monitor stops when it is full",
        ["MON_CLOCK_SKEW"] = "operosctl status says whose clock is off",
        ["MGR_DOWN"] = "nothing is counted or moved without the manager: operosctl status says why it does not run",
        ["SLOW_OPS"] = "a disk or a machine is slow or dying: operosctl storage osd list",
        ["BLUESTORE_SPURIOUS_READ_ERRORS"] = "a disk fails: replace it",
    };

    /// <summary>Whether an operator is told of it.</summary>
    public static bool Matters(HealthComplaint complaint) => !complaint.IsMuted && !Expected.Contains(complaint.Code);

    public static string Say(HealthComplaint complaint) =>
        $"{complaint.Text} ({complaint.Code}){(NextSteps.TryGetValue(complaint.Code, out var next) ? $": {next}" : "")}";
}

namespace Operos.Ceph;

/// <summary>
/// The text of a <c>ceph.conf</c>, one for each daemon and for the controller's own client. All speak msgr2 alone, on 3300 and
/// 6800 to 7568; what daemons say to each other is encrypted. The kernel's RBD client may choose.
/// </summary>
public static class CephConfiguration
{
    /// <summary>The user of all daemons: Debian's package gives it the same number everywhere.</summary>
    public const string User = "ceph";

    /// <summary>Below this ceph-osd refuses to start (osd_memory_target's minimum), in bytes.</summary>
    public const long LeastOsdMemory = 939_524_096;

    /// <summary>Where an OSD finds what clients of RBD call: Debian's own default counts from the daemon's working folder.</summary>
    public const string Classes = "/usr/lib/x86_64-linux-gnu/rados-classes";

    /// <summary>Where daemons have their sockets for diagnosis.</summary>
    public const string UsualRun = "/run/operos/ceph";

    /// <param name="data">The folder of its store.</param>
    /// <param name="keyring">The file with its key.</param>
    public static string Monitor(MonitorMap map, string data, string keyring, string run = UsualRun) => Global(map, run) + $"""

        [mon]
        mon_data = {data}
        keyring = {keyring}
        auth_allow_insecure_global_id_reclaim = false
        mon_warn_on_pool_no_redundancy = true
        mon_allow_pool_delete = false
        mon_data_avail_warn = 10
        mon_cluster_log_to_file = false
        mon_cluster_log_to_stderr = false
        osd_pool_default_pg_autoscale_mode = off

        """;

    /// <param name="address">The controller's: on no other does it listen.</param>
    /// <param name="data">A folder of its own.</param>
    /// <param name="keyring">The file with its key.</param>
    /// <param name="modules">An empty folder: it has no modules, but aborts where it has none to look in.</param>
    public static string Manager(MonitorMap map, string address, string data, string keyring, string modules,
        string run = UsualRun) =>
        Global(map, run) + $"""

        [mgr]
        public_addr = {address}
        mgr_data = {data}
        mgr_module_path = {modules}
        keyring = {keyring}

        """;

    /// <param name="data">The folder of this OSD: a link to its partition, its keyring.</param>
    /// <param name="host">The machine's UUID: its place in CRUSH, whatever the hostname is.</param>
    /// <param name="rack">Null where nobody told.</param>
    /// <param name="memory">What it may use for caches, in bytes; raised to what ceph-osd takes.</param>
    public static string Osd(MonitorMap map, string data, Guid host, string? rack, long memory, string run = UsualRun) => Global(map, run)
        + $"""

        [osd]
        osd_data = {data}
        keyring = {data}/keyring
        crush_location = root=default{(CrushName(rack) is { } name ? $" rack={name}" : "")} host={host}
        osd_memory_target = {Math.Max(memory, LeastOsdMemory)}
        osd_memory_target_autotune = false
        osd_extblkdev_plugins =
        osd_class_dir = {Classes}

        """;

    /// <param name="keyring">The file with the key of the client.</param>
    public static string Client(MonitorMap map, string keyring) => Global(map, UsualRun) + $"""

        [client]
        keyring = {keyring}

        """;

    /// <summary>
    /// A rack's label as a name of CRUSH, which takes letters, digits, <c>-</c>, <c>_</c> and <c>.</c> as labels do, and each name once: a
    /// rack that is called as a machine or <c>default</c> would keep OSDs from coming up.
    /// </summary>
    /// <returns>Null where it is none: it goes into a file of settings.</returns>
    public static string? CrushName(string? label) => label is { Length: > 0 and <= 63 }
        && label.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.') ? $"rack-{label}" : null;

    private static string Global(MonitorMap map, string run) => $"""
        [global]
        fsid = {map.Fsid}
        mon_host = {string.Join(',', map.Monitors.Select(address => $"[v2:{address}/0]"))}
        ms_bind_msgr1 = false
        ms_bind_msgr2 = true
        ms_bind_ipv4 = true
        ms_bind_ipv6 = false
        ms_cluster_mode = secure
        ms_service_mode = secure crc
        ms_client_mode = secure crc
        ms_mon_cluster_mode = secure
        ms_mon_service_mode = secure crc
        ms_mon_client_mode = secure
        auth_cluster_required = cephx
        auth_service_required = cephx
        auth_client_required = cephx
        auth_allow_insecure_global_id_reclaim = false
        # The images have no plugins for erasure codes: every pool is of copies.
        osd_erasure_code_plugins =
        run_dir = {run}
        debug_rocksdb = 1/5
        log_to_file = false
        log_to_stderr = true
        err_to_stderr = true
        crash_dir =
        admin_socket = $run_dir/$name.asok

        """;
}

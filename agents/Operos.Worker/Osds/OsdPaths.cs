using System.Globalization;

namespace Operos.Worker.Osds;

/// <summary>Where what OSDs read is, and the programs.</summary>
internal sealed record OsdPaths
{
    public string Run { get; init; } = "/run/operos/ceph";

    public string Program { get; init; } = "/usr/bin/ceph-osd";

    /// <summary>What reads an OSD that does not run.</summary>
    public string MapTool { get; init; } = "/usr/bin/ceph-objectstore-tool";

    /// <summary>The archive of the cluster's maps that a controller fetches.</summary>
    public string Maps => Path.Combine(Run, "maps.tar");

    /// <summary>Whose the daemons, their files and their devices are.</summary>
    public string User { get; init; } = Ceph.CephConfiguration.User;

    public string DataFolders => Path.Combine(Run, "osd");

    /// <summary>The folder of an OSD's links and keyring; the data is on the partition.</summary>
    public string Data(int id) => Path.Combine(DataFolders, Number(id));

    public string Configuration(int id) => Path.Combine(Run, $"osd-{Number(id)}.conf");

    /// <summary>By which an OSD that runs is asked about itself.</summary>
    public string Socket(int id) => Path.Combine(Data(id), $"osd.{Number(id)}.asok");

    /// <summary>What its units read: their arguments.</summary>
    public string Environment(int id) => Path.Combine(Run, $"osd-{Number(id)}.env");

    public static string Unit(int id) => $"operos-osd@{Number(id)}";

    public static string MakingUnit(int id) => $"operos-osd-mkfs@{Number(id)}";

    public static string Number(int id) => id.ToString(CultureInfo.InvariantCulture);
}

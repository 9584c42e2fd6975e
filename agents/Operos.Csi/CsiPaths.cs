namespace Operos.Csi;

/// <summary>Where the plugin and the kubelet meet. A test has other places.</summary>
public sealed record CsiPaths
{
    /// <summary>The kubelet's folder: every path that it asks for is below it.</summary>
    public string Kubelet { get; init; } = "/var/lib/kubelet";

    /// <summary>The kernel's client of images (Documentation/ABI/testing/sysfs-bus-rbd).</summary>
    public string Bus { get; init; } = "/sys/bus/rbd";

    public string Devices { get; init; } = "/dev";

    /// <summary>The kubelet makes it as it starts, and looks for sockets in it.</summary>
    public string Registry => Path.Combine(Kubelet, "plugins_registry");

    public string RegistrationSocket => Path.Combine(Registry, $"{CsiNames.Driver}-reg.sock");

    public string Socket => Path.Combine(Kubelet, "plugins", CsiNames.Driver, "csi.sock");
}

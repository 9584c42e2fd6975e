using System.Net;
using Operos.Authority;
using Operos.ControlPlane.Configuration;
using Operos.Names;
using Operos.Proto;

namespace Operos.Controller.Configuration;

/// <summary>How dnsmasq serves the network.</summary>
internal enum DhcpMode
{
    /// <summary>The only DHCP server: addresses and boot files.</summary>
    Full,
    /// <summary>Beside another DHCP server: boot files alone (PXE specification 2.1, proxyDHCP).</summary>
    Proxy,
    /// <summary>No DHCP; TFTP and HTTP still serve those whom another server sends here.</summary>
    Off,
}

/// <summary>Who may join without being asked.</summary>
internal enum AdmissionPolicy { Auto, Approve }

/// <summary>What becomes of a known machine that boots without having been told to.</summary>
internal enum ReadmissionPolicy
{
    /// <summary>It is let in, and an operator is told.</summary>
    Auto,
    /// <summary>It waits for an operator.</summary>
    Approve,
}

/// <summary>The controller's settings, checked. The file is documented in README.md.</summary>
internal sealed record ControllerSettings
{
    /// <summary>What the controller calls itself to those it talks to.</summary>
    public static string Agent { get; } = $"operos-controller/{typeof(ControllerSettings).Assembly.GetName().Version?.ToString(3)}";

    public const int UsualMaxPending = 256, UsualMaxMachines = 5000;
    /// <summary>Of the distribution, for who names none.</summary>
    public static readonly IReadOnlyList<string> UsualTimeServers = ["2.debian.pool.ntp.org"];
    public static readonly TimeSpan UsualSilence = TimeSpan.FromSeconds(20);

    public required AdmissionPolicy Admission { get; init; }
    public ReadmissionPolicy Readmission { get; init; }
    public required IPNetwork Network { get; init; }
    public required IPAddress Address { get; init; }
    public int ControlPort { get; init; } = 7443;
    public int HttpPort { get; init; } = 7480;
    /// <summary>The release that workers boot; null for the newest.</summary>
    public string? Release { get; init; }
    public int MenuSeconds { get; init; } = 3;
    public IReadOnlyList<string> Consoles { get; init; } = ["tty0", "ttyS0,115200"];
    public string KernelArguments { get; init; } = "";
    public DhcpMode DhcpMode { get; init; } = DhcpMode.Full;
    public IPAddress? RangeStart { get; init; }
    public IPAddress? RangeEnd { get; init; }
    /// <summary>What check-config refuses of them, and a rack that ran with it goes on with; a line each.</summary>
    public IReadOnlyList<string> Doubts { get; init; } = [];

    /// <summary>How many addresses the range has; 0 where there is none.</summary>
    public int RangeSize => RangeStart is null || RangeEnd is null
        ? 0 : (int)(DottedAddress.Number(RangeEnd) - DottedAddress.Number(RangeStart)) + 1;
    public TimeSpan Lease { get; init; } = TimeSpan.FromHours(1);
    public IPAddress? Gateway { get; init; }
    public IReadOnlyList<IPAddress> Dns { get; init; } = [];
    /// <summary>Whether we are the cluster's name server.</summary>
    public bool DnsEnabled { get; init; }
    /// <summary>Servers for names outside the cluster; none for what this machine uses.</summary>
    public IReadOnlyList<IPAddress> DnsUpstream { get; init; } = [];
    public string MachinesDomain { get; init; } = "machines.operos.internal";
    /// <summary>Whose time the controller keeps: addresses and names, none for its own; null where nobody said.</summary>
    public IReadOnlyList<string>? TimeServers { get; init; }
    public TimeSpan WorkerCertificate { get; init; } = CertificateLives.Machine.Default;
    public int MaxPending { get; init; } = UsualMaxPending;
    /// <summary>So many machines at most come in without an operator's word.</summary>
    public int MaxMachines { get; init; } = UsualMaxMachines;
    /// <summary>How long a machine must not have been heard of before a boot that nobody ordered may be it.</summary>
    public TimeSpan Silence { get; init; } = UsualSilence;
    /// <summary>SSH keys that may log in to workers as root (sshd(8), AUTHORIZED_KEYS FILE FORMAT).</summary>
    public IReadOnlyList<string> AuthorizedKeys { get; init; } = [];
    /// <summary>The domain of services and pods.</summary>
    public string ClusterDomain { get; init; } = "cluster.local";
    public KubernetesSettings Kubernetes { get; init; } = new();
    /// <summary>How disks are shared between machines' own storage and Ceph.</summary>
    public StorageConfiguration Storage { get; init; } = new();
    /// <summary>Whether a machine that lost the disk with containerd's and the kubelet's folders is drained and rebooted.</summary>
    public bool HealsLostDisks { get; init; } = true;
    /// <summary>Whether this controller keeps a cluster of Ceph on the machines' disks.</summary>
    public bool CephEnabled { get; init; }
    /// <summary>How many backups of a kind are kept; 0 where none is made but by order.</summary>
    public int BackupsKept { get; init; } = 7;

    /// <summary>What the control plane is told of all this.</summary>
    public ControlPlaneSettings ControlPlane =>
        new() { Address = Address, ClusterDomain = ClusterDomain, Kubernetes = Kubernetes, Agent = Agent, HasPoolVolumes = CephEnabled };

    /// <summary>What the name server is told of all this.</summary>
    public NameServerSettings NameServer(ControllerPaths paths) => new()
    {
        Address = Address, Machines = Network, Pods = Kubernetes.PodNetwork, Services = Kubernetes.ServiceNetwork,
        ClusterDomain = ClusterDomain, MachinesDomain = MachinesDomain, Upstream = DnsUpstream, MachinesServers = Dns,
        ServiceAddress = Kubernetes.Enabled ? Kubernetes.DnsService : null,
        Folder = Path.Combine(paths.Run, "dns"), State = paths.Names,
        KnotProgram = paths.KnotProgram, UnboundProgram = paths.UnboundProgram,
    };

    public string ApiServer => $"https://{Address}:{Kubernetes.ApiPort}";
    public string BootUrl => $"http://{Address}:{HttpPort}";
}

using Nerdbank.MessagePack;

namespace Operos.Proto;

/// <summary>A booted machine asks for a place in the cluster. Allowed without a client certificate.</summary>
public sealed record Enrol : Message
{
    /// <summary>PKCS #10 request, DER, for a fresh P-256 key. Only its key is used: the controller writes the names.</summary>
    [Key(0)] public required byte[] Csr { get; init; }
    /// <summary>The inventory as UTF-8 JSON (agents/Operos.Hardware/README.md).</summary>
    [Key(1)] public required byte[] Inventory { get; init; }
    /// <summary>The boot record as UTF-8 JSON; empty where there is none.</summary>
    [Key(2)] public required byte[] BootRecord { get; init; }
    /// <summary>The kernel's boot id: tells a rebooted machine from a second one.</summary>
    [Key(3)] public required string BootId { get; init; }
    /// <summary>
    /// What the machine can do and a copy of its inventory cannot. Inventory, boot record and boot id are claims; that the request is
    /// signed with its key proves the key. A kind that the controller does not know counts for nothing.
    /// </summary>
    [Key(20)] public IReadOnlyList<Proof> Proofs { get; init; } = [];
    /// <summary>
    /// The name of the Node that this machine is since an enrolment before, and whose pods it runs: a claim. Null where it is none.
    /// </summary>
    [Key(21)] public string? Node { get; init; }

    internal override bool HoldsNull() => Elements.HoldNull(Proofs);
}

/// <summary>A proof of who a machine is: 8 at most, of 8 KiB at most.</summary>
public sealed record Proof
{
    /// <summary>The kind of a <see cref="EnrolReply.Token"/> that the machine was given at an enrolment before: its bytes.</summary>
    public const string DiskToken = "disk-token";

    /// <summary>Of one enrolment; with more it is refused.</summary>
    public const int Most = 8;

    /// <summary>Such as <see cref="DiskToken"/>.</summary>
    [Key(20)] public required string Kind { get; init; }
    [Key(21)] public required byte[] Value { get; init; }
}

/// <summary>What became of an enrolment.</summary>
public enum Admission
{
    /// <summary>Known and allowed: the certificate and the configuration are filled in.</summary>
    Admitted = 0,
    /// <summary>Waits for an operator's word, which the text names: ask again later, with the same key.</summary>
    Pending = 1,
    /// <summary>An operator rejected the machine.</summary>
    Rejected = 2,
    /// <summary>Two known machines claim the same evidence: an operator must resolve it.</summary>
    Ambiguous = 3,
    /// <summary>A machine with this identity is alive, was a moment ago, or has another key in this boot.</summary>
    DuplicateLive = 4,
}

public sealed record EnrolReply : Message
{
    [Key(0)] public required Admission Admission { get; init; }
    /// <summary>The machine's UUID; for a pending or ambiguous one, the id that <c>operosctl machines</c> shows.</summary>
    [Key(1)] public required string MachineId { get; init; }
    /// <summary>Why, in words for the console.</summary>
    [Key(2)] public required string Text { get; init; }
    [Key(3)] public byte[]? Certificate { get; init; }
    [Key(4)] public NodeConfiguration? Configuration { get; init; }
    [Key(5)] public int RetryAfterSeconds { get; init; }
    /// <summary>
    /// An operator removed this very machine: it leaves the cluster, and its pods end. Without it they run on, whatever the admission.
    /// </summary>
    [Key(20)] public bool Removed { get; init; }
    /// <summary>
    /// A secret of 32 bytes, new at each admission: the machine keeps it on its own disks, and shows it at its next enrolment. Null where
    /// it is not admitted.
    /// </summary>
    [Key(21)] public byte[]? Token { get; init; }

    internal override bool HoldsNull() => Configuration?.HoldsNull() == true;
}

/// <summary>What the controller wants a worker to be.</summary>
public sealed record NodeConfiguration
{
    /// <summary>The hostname: the machine's UUID.</summary>
    [Key(0)] public required string Hostname { get; init; }
    /// <summary>The operator's name for it, if any.</summary>
    [Key(1)] public string? Name { get; init; }
    [Key(2)] public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
    [Key(3)] public int HeartbeatSeconds { get; init; } = 10;
    /// <summary>Public keys that may log in as root, as sshd(8) reads them; none means that nobody may.</summary>
    [Key(4)] public IReadOnlyList<string> AuthorizedKeys { get; init; } = [];
    /// <summary>Null while the cluster has no Kubernetes to join.</summary>
    [Key(5)] public KubernetesNode? Kubernetes { get; init; }
    /// <summary>Null from a controller that knows nothing of disks: then they are left alone.</summary>
    [Key(6)] public StorageConfiguration? Storage { get; init; }

    internal bool HoldsNull() => Elements.HoldNull(Labels) || Elements.HoldNull(AuthorizedKeys) || Storage?.HoldsNull() == true;
}

/// <summary>
/// A fresh certificate for an enrolled machine, before its own expires; the key may be the same or another. Answered by
/// <see cref="CertificateReply"/>.
/// </summary>
public sealed record RenewCertificate : Message
{
    [Key(0)] public required byte[] Csr { get; init; }
}

public sealed record CertificateReply : Message
{
    /// <summary>X.509, DER.</summary>
    [Key(0)] public required byte[] Certificate { get; init; }
}

public sealed record Heartbeat : Message
{
    [Key(0)] public required string BootId { get; init; }
    [Key(1)] public required long UptimeSeconds { get; init; }
    /// <summary>systemd's system state, such as <c>running</c> or <c>degraded</c>.</summary>
    [Key(2)] public required string SystemState { get; init; }
    [Key(3)] public long MemoryAvailableBytes { get; init; }
    [Key(4)] public double Load1 { get; init; }
    /// <summary>How far the machine is on its way to a Ready node; empty where it runs no Kubernetes.</summary>
    [Key(5)] public IReadOnlyList<NodeStep> Steps { get; init; } = [];
    /// <summary>The machine's clock; 0 where it does not tell.</summary>
    [Key(43)] public long UnixTimeMs { get; init; }
    /// <summary>What its disks with volumes hold altogether; 0 where there is none.</summary>
    [Key(44)] public long VolumeBytes { get; init; }
    /// <summary>
    /// Whether it lost, in this boot, the disk with containerd's and the kubelet's folders: its pods cannot go on, and the next boot uses
    /// another disk.
    /// </summary>
    [Key(45)] public bool LostNodeDisk { get; init; }
    /// <summary>The OSDs on its disks, <see cref="OsdState.Most"/> at most.</summary>
    [Key(46)] public IReadOnlyList<OsdState> Osds { get; init; } = [];

    internal override bool HoldsNull() => Elements.HoldNull(Steps) || Elements.HoldNull(Osds);
}

public sealed record HeartbeatReply : Message
{
    [Key(0)] public required NodeConfiguration Configuration { get; init; }
    [Key(1)] public required long UnixTimeMs { get; init; }

    internal override bool HoldsNull() => Configuration.HoldsNull();
}

/// <summary>Controller to worker: shut down cleanly and start again. Answered by <see cref="Done"/> before it happens.</summary>
public sealed record Reboot : Message
{
    [Key(0)] public required string Reason { get; init; }
}

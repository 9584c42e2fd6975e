namespace Operos.Release;

/// <summary>What a boot did and how long each phase took: written by <c>operos-init</c> to <c>/run/operos/boot.json</c>.</summary>
public sealed partial record BootRecord
{
    public const int CurrentFormat = 1;
    public const string Path = "/run/operos/boot.json";

    public required int Format { get; init; }

    /// <summary>The kernel's random boot id (<c>/proc/sys/kernel/random/boot_id</c>).</summary>
    public required string BootId { get; init; }

    public required string Release { get; init; }
    public required string KernelRelease { get; init; }

    /// <summary><c>worker</c> or <c>controller</c>.</summary>
    public required string Kind { get; init; }

    /// <summary><c>bios</c> or <c>uefi</c>.</summary>
    public required string Firmware { get; init; }

    public bool SecureBoot { get; init; }

    /// <summary>Absent where the machine booted from its own disk.</summary>
    public BootNetwork? Network { get; init; }

    /// <summary>Boot server, such as <c>http://10.77.0.1:7480</c>; absent on a disk boot.</summary>
    public string? Server { get; init; }

    /// <summary>The controller's control endpoint, such as <c>10.77.0.1:7443</c>.</summary>
    public string? Control { get; init; }

    /// <summary>The overlay's generation on a machine with a persistent upper.</summary>
    public string? Generation { get; init; }

    public required IReadOnlyList<BootPhase> Phases { get; init; }
    public required IReadOnlyList<BootLayer> Layers { get; init; }

    /// <summary>How many times a fetch was retried, a chunk refused, or the whole fetch restarted.</summary>
    public int Retries { get; init; }
    public int RefusedChunks { get; init; }
    public int Restarts { get; init; }

    /// <summary>The most memory that <c>operos-init</c> held until it handed over, in bytes (proc(5), VmHWM).</summary>
    public long PeakMemoryBytes { get; init; }
}

public sealed record BootNetwork
{
    public required string Interface { get; init; }
    public required string Mac { get; init; }
    /// <summary>Address with prefix length, such as <c>10.77.0.101/24</c>.</summary>
    public required string Address { get; init; }
    public string? Gateway { get; init; }
    /// <summary><c>loader</c> (the <c>ip=</c> argument) or <c>dhcp</c>.</summary>
    public required string Source { get; init; }
}

/// <summary>A phase; times are milliseconds since the kernel started (CLOCK_BOOTTIME).</summary>
public sealed record BootPhase
{
    public required string Name { get; init; }
    public required long StartMs { get; init; }
    public required long EndMs { get; init; }
    public string? Detail { get; init; }
}

public sealed record BootLayer
{
    public required string Name { get; init; }
    public required long Bytes { get; init; }
    /// <summary>Where it came from: a URL, or a path on a disk.</summary>
    public required string Source { get; init; }
    public required long DurationMs { get; init; }
}

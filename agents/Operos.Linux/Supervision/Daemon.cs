namespace Operos.Linux.Supervision;

/// <summary>A program that serves beside this agent: what it is, what it reads, and how it is asked whether it works.</summary>
public sealed record Daemon
{
    /// <summary>What an operator knows it by.</summary>
    public required string Name { get; init; }

    /// <summary>The systemd unit that the image has for it, without <c>.service</c>.</summary>
    public required string Unit { get; init; }

    /// <summary>The distribution's package, for who has not got the program.</summary>
    public required string Package { get; init; }

    /// <summary>How it is run where systemd does not; its unit has the same.</summary>
    public required string Program { get; init; }

    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>
    /// Writes what it reads. Is told whether it runs already, and answers what one that runs must do to read it. It throws
    /// <see cref="IOException"/>, <see cref="UnauthorizedAccessException"/> or <see cref="LinuxException"/> where that cannot be written.
    /// </summary>
    public required Func<bool, CancellationToken, Task<DaemonChange>> PrepareAsync { get; init; }

    /// <summary>
    /// What it cannot work without and has not got, such as <c>waits for etcd</c>; null where nothing is missing. An agent first brings it
    /// up when nothing is. One that runs is not stopped for it, nor started again because it ails meanwhile.
    /// </summary>
    public Func<string?>? WaitsFor { get; init; }

    /// <summary>
    /// Whether one that runs is started again in one step, which systemd carries out whatever becomes of this agent; otherwise it is first
    /// stopped, then prepared, then started.
    /// </summary>
    public bool RestartsInPlace { get; init; }

    /// <summary>How it is asked whether it works; null where nobody can ask.</summary>
    public HealthCheck? Health { get; init; }

    /// <summary>What is said of it while all is well.</summary>
    public string Running { get; init; } = "running";

    /// <summary>Is told each line that it says, from whichever thread; null where nobody listens.</summary>
    public Action<string>? Heard { get; init; }
}

/// <summary>What a daemon that runs must do to follow what was written for it.</summary>
public enum DaemonChange { None, Reload, Restart }

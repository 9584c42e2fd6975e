using System.Diagnostics;

namespace Operos.Lab;

/// <summary>A network namespace with a bridge: the rack's switch. Guests and native processes share it, and nothing leaves it.</summary>
public sealed class LabNetwork
{
    private static int counter;
    private readonly LabFolder folder;
    private int taps;

    private LabNetwork(LabFolder folder, string name) => (this.folder, Name) = (folder, name);

    /// <summary>The namespace, as <c>ip netns</c> knows it.</summary>
    public string Name { get; }

    /// <param name="address">The host's own address on the bridge, with prefix length; null for none.</param>
    public static async Task<LabNetwork> CreateAsync(LabFolder folder, string? address, CancellationToken cancellationToken)
    {
        var name = $"operos-{Environment.ProcessId}-{Interlocked.Increment(ref counter)}";
        folder.NoteNamespace(name);
        await Shell.RunAsync("ip", ["netns", "add", name], cancellationToken).ConfigureAwait(false);
        var network = new LabNetwork(folder, name);
        await network.IpAsync("link set lo up", cancellationToken).ConfigureAwait(false);
        // A bridge without an address of its own takes the lowest of its ports', and changes it as they come and go.
        const string bridge = "br0 address 52:54:00:00:00:fe type bridge forward_delay 0 stp_state 0";
        await network.IpAsync($"link add {bridge}", cancellationToken).ConfigureAwait(false);
        if (address is not null) await network.IpAsync($"address add {address} dev br0", cancellationToken).ConfigureAwait(false);
        await network.IpAsync("link set br0 up", cancellationToken).ConfigureAwait(false);
        return network;
    }

    /// <summary>A port of the switch for a guest; without a cable it leads nowhere.</summary>
    public async Task<string> AddTapAsync(VirtualNic nic, CancellationToken cancellationToken)
    {
        var tap = $"tap{taps++}";
        await IpAsync($"tuntap add {tap} mode tap", cancellationToken).ConfigureAwait(false);
        if (nic.Cabled) await IpAsync($"link set {tap} master br0", cancellationToken).ConfigureAwait(false);
        if (nic.Rate is { } rate)
            await Shell.RunAsync("tc", ["-n", Name, "qdisc", "add", "dev", tap, "root", "tbf", "rate", rate, "burst", "256kb", "latency",
            "20ms"], cancellationToken).ConfigureAwait(false);
        await IpAsync($"link set {tap} up", cancellationToken).ConfigureAwait(false);
        return tap;
    }

    /// <summary>Starts a process inside; it dies with us.</summary>
    public Process Start(string program, IEnumerable<string> arguments, string logFile)
    {
        var line = string.Join(' ', Command(program, arguments).Select(Quote));
        // The shell only redirects, then becomes the program.
        var process = Launcher.Start(new ProcessStartInfo("sh", ["-c", $"exec {line} >>{Quote(logFile)} 2>&1 </dev/null"]));
        folder.NoteProcess(process.Id);
        return process;
    }

    /// <summary>A command line that runs a program inside.</summary>
    public IEnumerable<string> Command(string program, IEnumerable<string> arguments) =>
        ["setpriv", "--pdeathsig", "KILL", "nsenter", $"--net=/var/run/netns/{Name}", program, .. arguments];

    public Task<string> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellationToken, bool check = true, TimeSpan? patience = null,
        int tells = 0) =>
        Shell.RunAsync("nsenter", [$"--net=/var/run/netns/{Name}", program, .. arguments], cancellationToken, check, patience, tells);

    private Task IpAsync(string arguments, CancellationToken cancellationToken) =>
        Shell.RunAsync("ip", ["-n", Name, .. arguments.Split(' ')], cancellationToken);

    internal static string Quote(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,@+%".Contains(c, StringComparison.Ordinal))
        ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}

using System.Diagnostics;
using System.Globalization;

namespace Operos.Lab;

/// <summary>Who a native machine is and what it is made of.</summary>
/// <param name="Name">Such as <c>w1</c>; unique in its network.</param>
/// <param name="Address">Its own on the rack's switch.</param>
/// <param name="Layers">Names of the layers, the uppermost first.</param>
internal sealed record NativeMachineOptions(string Name, string Address, params IReadOnlyList<string> Layers)
{
    /// <summary>Its serial number: the host's own parts are the same for every machine.</summary>
    public required string Serial { get; init; }

    /// <summary>Files and folders of the host that it sees.</summary>
    public IReadOnlyList<NativeBind> Binds { get; init; } = [];

    /// <summary>Puts more files over the layers.</summary>
    public Action<NativeRoot> Prepare { get; init; } = _ => { };
}

/// <summary>A file or folder of the host, where a machine sees it; it may write to it only where that is said.</summary>
internal sealed record NativeBind(string Host, string Inside, bool Writable = false);

/// <summary>
/// A machine without a boot: the layers' trees as the root of systemd-nspawn on the rack's switch, with this host's kernel and the image's
/// own units. What needs a kernel or a boot of its own belongs in a virtual machine.
/// </summary>
public sealed class NativeMachine : IDisposable
{
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(20);
    private const int WantsToBoot = 133;
    private readonly Build build;
    private readonly LabFolder folder;
    private readonly LabNetwork network;
    private readonly NativeMachineOptions options;
    private readonly string name;
    private Process? process;

    private NativeMachine(Build build, LabFolder folder, LabNetwork network, NativeMachineOptions options)
    {
        (this.build, this.folder, this.network, this.options) = (build, folder, network, options);
        name = $"{network.Name}-{options.Name}";
    }

    public string Name => options.Name;
    public string Address => options.Address;
    /// <summary>Its network namespace, as <c>ip netns</c> knows it.</summary>
    public string Namespace => name;
    /// <summary>What its units say, too: its journal goes to the console.</summary>
    public string ConsolePath => folder[options.Name + "/console.log"];

    /// <summary>The serial number of its system, by which the cluster knows it.</summary>
    public string Serial => options.Serial;

    /// <summary>A machine that is no part of a cluster: systemd with what every machine has, and none of our agents.</summary>
    public static async Task<NativeMachine> StartAloneAsync(Build build, LabFolder folder, CancellationToken cancellationToken)
    {
        var network = await LabNetwork.CreateAsync(folder, address: null, cancellationToken).ConfigureAwait(false);
        var options = new NativeMachineOptions("alone", "10.77.0.101", "base")
        {
            Serial = "ALONE",
            // As a kubelet has it: who delays a shutdown is not cut short.
            Prepare = root => root.Write("etc/systemd/logind.conf.d/alone.conf", "[Login]\nInhibitDelayMaxSec=60\n"),
        };
        return await StartAsync(build, folder, network, options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A machine of these layers that is no part of a cluster: with all their units, of which the agents' do not run.</summary>
    /// <param name="layers">The uppermost first.</param>
    /// <param name="seen">Files, folders and devices of the host, which are at the same places in it.</param>
    public static async Task<NativeMachine> StartAloneAsync(Build build, LabFolder folder, IReadOnlyList<string> layers,
        IReadOnlyList<string> seen, CancellationToken cancellationToken)
    {
        var network = await LabNetwork.CreateAsync(folder, address: null, cancellationToken).ConfigureAwait(false);
        var options = new NativeMachineOptions("alone", "10.77.0.101", layers)
        {
            Serial = "ALONE",
            Binds = [.. seen.Select(path => new NativeBind(path, path, Writable: true))],
            Prepare = root =>
            {
                foreach (var unit in (string[])["operos-controller.service", "operos-worker.service", "operos-journal-folder.service",
                    "var-lib-operos.mount", "var-log-journal.mount"])
                    root.Link($"etc/systemd/system/{unit}", "/dev/null");
            },
        };
        return await StartAsync(build, folder, network, options, cancellationToken).ConfigureAwait(false);
    }

    internal static async Task<NativeMachine> StartAsync(
        Build build, LabFolder folder, LabNetwork network, NativeMachineOptions options, CancellationToken cancellationToken)
    {
        var machine = new NativeMachine(build, folder, network, options);
        await machine.PowerOnAsync(cancellationToken).ConfigureAwait(false);
        return machine;
    }

    /// <summary>Waits until it has shut down to boot anew, and does that: as a machine without a disk, it keeps nothing.</summary>
    public async Task BootAnewAsync(CancellationToken cancellationToken)
    {
        var code = await EndAsync(cancellationToken).ConfigureAwait(false);
        if (code != WantsToBoot) throw new LabException($"{options.Name} ended with {code}, not to boot anew; see {ConsolePath}");
        Dispose();
        // The cable first: what is in a namespace goes some time after it.
        await Shell.RunAsync("ip", ["-n", network.Name, "link", "delete", $"port-{options.Name}"], cancellationToken).ConfigureAwait(false);
        await Shell.RunAsync("ip", ["netns", "delete", name], cancellationToken).ConfigureAwait(false);
        foreach (var left in (string[])["upper", "work"]) Directory.Delete(folder[$"{options.Name}/{left}"], recursive: true);
        await PowerOnAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Starts a machine that is off, with all that it had written; its network cards are new.</summary>
    internal async Task StartAgainAsync(CancellationToken cancellationToken)
    {
        await PlugInAsync(cancellationToken).ConfigureAwait(false);
        Boot();
    }

    /// <summary>Its PID 1, as the host counts.</summary>
    public int ProcessId => Leader();

    /// <summary>Waits until it has ended by itself.</summary>
    /// <returns>As systemd-nspawn(1) ends, called with <c>--keep-unit</c>: 133 where it would boot anew, 0 where it is off.</returns>
    public async Task<int> EndAsync(CancellationToken cancellationToken)
    {
        var running = process ?? throw new LabException($"{options.Name} was switched off");
        await running.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        return running.ExitCode;
    }

    /// <summary>Runs a program in it.</summary>
    public Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken, bool check = true) =>
        Shell.RunAsync("nsenter",
            ["--target", $"{Leader()}", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--net", program, .. arguments],
            cancellationToken, check);

    /// <summary>A file of it, for this process to read and write while it runs.</summary>
    public string PathOf(string path) => $"/proc/{Leader()}/root{path}";

    /// <summary>The main process of a unit, as the machine counts; 0 where none runs.</summary>
    public async Task<int> ProcessOfAsync(string unit, CancellationToken cancellationToken)
    {
        var id = await RunAsync("systemctl", ["show", "--property=MainPID", "--value", unit], cancellationToken).ConfigureAwait(false);
        return int.Parse(id, CultureInfo.InvariantCulture);
    }

    /// <summary>Ends the main process of a unit as a crash does.</summary>
    public Task KillAsync(string unit, CancellationToken cancellationToken) =>
        RunAsync("systemctl", ["kill", "--kill-whom=main", "--signal=KILL", unit], cancellationToken);

    /// <summary>What its operator would look at first.</summary>
    public async Task<string> DescribeAsync(CancellationToken cancellationToken)
    {
        var answers = await RunAsync("sh", ["-c", ClusterDiagnosis.Look], cancellationToken, check: false).ConfigureAwait(false);
        return $"{options.Name} ({Address}), log {ConsolePath}:\n{answers}".TrimEnd();
    }

    /// <summary>Power off.</summary>
    public void Dispose()
    {
        process?.Kill(entireProcessTree: true);
        process?.WaitForExit(EndPatience);
        process?.Dispose();
        process = null;
        Leftovers.RemoveControlGroups(name);
    }

    private async Task PowerOnAsync(CancellationToken cancellationToken)
    {
        await PlugInAsync(cancellationToken).ConfigureAwait(false);
        var root = new NativeRoot(folder[options.Name + "/upper"]);
        Directory.CreateDirectory(folder[options.Name + "/work"]);
        root.Adapt(build, options.Serial);
        options.Prepare(root);
        Boot();
    }

    private async Task PlugInAsync(CancellationToken cancellationToken)
    {
        folder.NoteNamespace(name);
        var port = $"port-{options.Name}";
        // Those of before are left by a machine that was switched off; the cable first, which a namespace takes along when it pleases.
        foreach (var left in (string[])[$"-n {network.Name} link delete {port}", $"netns delete {name}"])
            await Shell.RunAsync("ip", left.Split(' '), cancellationToken, check: false).ConfigureAwait(false);
        foreach (var command in (string[])
        [
            $"netns add {name}", $"-n {network.Name} link add {port} type veth peer name eth0 netns {name}",
            $"-n {network.Name} link set {port} master br0 up",
            $"-n {name} link set lo up", $"-n {name} link set eth0 up", $"-n {name} address add {Address}/24 dev eth0",
            // A cloud's metadata service is looked for; the answer that there is none comes at once.
            $"-n {name} route add unreachable 169.254.0.0/16",
            .. Address == NativeController.Address ? (string[])[] : [$"-n {name} route add default via {NativeController.Address}"],
        ])
            await Shell.RunAsync("ip", command.Split(' '), cancellationToken).ConfigureAwait(false);
    }

    private void Boot()
    {
        var roots = string.Join(':', options.Layers.Select(layer => Path.Combine(build.Out, "images/roots", layer)));
        var (root, boot) = (folder[options.Name + "/root"], folder[options.Name + "/boot.sh"]);
        Directory.CreateDirectory(root);
        var binds = string.Join(' ', options.Binds.Select(bind => $"--bind{(bind.Writable ? "" : "-ro")}={bind.Host}:{bind.Inside}"));
        var (upper, work) = (folder[options.Name + "/upper"], folder[options.Name + "/work"]);
        // Mounts end with the process: they are its own. systemd wants to be alone in each of its control groups.
        File.WriteAllText(boot, $$"""
            set -e
            mount -t overlay overlay -o lowerdir={{roots}},upperdir={{upper}},workdir={{work}} {{root}}
            hierarchies=/sys/fs/cgroup/*/
            if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
                # Version 2 has one hierarchy; what is not handed down in it, kubelet misses, and says so minutes later.
                hierarchies=/sys/fs/cgroup/
                for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
                    echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control || true
                done
                for controller in cpu cpuset memory pids; do
                    grep -qw "$controller" /sys/fs/cgroup/cgroup.subtree_control && continue
                    echo "this host hands no control groups of $controller down: /sys/fs/cgroup/cgroup.subtree_control has not got it"
                    echo "  next: where this is a container, start it with a control group of its own in which no process is left"
                    exit 1
                done
            fi
            for hierarchy in $hierarchies; do
                [ -e "$hierarchy/cgroup.procs" ] || continue
                mkdir -p "$hierarchy/{{name}}"
                for file in cpuset.cpus cpuset.mems; do
                    [ ! -e "$hierarchy/$file" ] || cat "$hierarchy/$file" > "$hierarchy/{{name}}/$file"
                done
                echo $$ > "$hierarchy/{{name}}/cgroup.procs"
            done
            exec nsenter --net=/run/netns/{{name}} systemd-nspawn --directory={{root}} --boot --register=no --keep-unit \
                --console=read-only --resolv-conf=off --capability=all --system-call-filter='@keyring bpf perf_event_open' \
                --bind=/dev/null:/dev/kmsg {{binds}}

            """);
        folder.NoteControlGroup(name);
        var line = $"exec setpriv --pdeathsig KILL unshare --mount --propagation private sh {boot} >>{ConsolePath} 2>&1 </dev/null";
        process = Launcher.Start(new ProcessStartInfo("sh", ["-c", line]));
        folder.NoteProcess(process.Id);
    }

    private int Leader()
    {
        var children = process is { HasExited: false } ? File.ReadAllText($"/proc/{process.Id}/task/{process.Id}/children").Split(' ') : [];
        if (children.Length > 0 && int.TryParse(children[0], CultureInfo.InvariantCulture, out var leader)) return leader;
        var said = File.Exists(ConsolePath) ? File.ReadLines(ConsolePath).TakeLast(20) : [];
        throw new LabException($"{options.Name} does not run:\n{string.Join('\n', said)}");
    }
}

using System.Diagnostics;
using System.Text;

namespace Operos.Lab;

/// <summary>
/// A worker without a boot: the layers' trees as the root of systemd-nspawn on the rack's switch, with this host's kernel. What needs a
/// kernel or a boot of its own belongs in a virtual machine.
/// </summary>
public sealed class NativeWorker : IDisposable
{
    private static readonly string[] Layers = ["worker", "node", "base"];
    private readonly LabFolder folder;
    private readonly string name, control;
    private Process? process;

    private NativeWorker(LabFolder folder, string name, string address) => (this.folder, this.name, Address, control) = (folder, name, address, $"/sys/fs/cgroup/*/{name}");

    public string Address { get; }
    public string Namespace => name;
    public string ConsolePath => folder[name + "/console.log"];

    /// <param name="number">1 to 99: the worker is 10.77.0.(100 + number).</param>
    /// <param name="authority">The cluster's CA certificate.</param>
    /// <param name="inventory">Who the machine is: the host's own parts are the same for every worker.</param>
    public static async Task<NativeWorker> StartAsync(Build build, LabFolder folder, LabNetwork network, int number, string authority, byte[] inventory, CancellationToken cancellationToken)
    {
        var worker = new NativeWorker(folder, $"{network.Name}-w{number}", $"10.77.0.{100 + number}");
        await worker.PlugInAsync(network, number, cancellationToken).ConfigureAwait(false);
        worker.WriteRoot(build, authority, inventory);
        worker.Boot(build);
        return worker;
    }

    /// <summary>Runs a program in it.</summary>
    public Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken, bool check = true) =>
        Shell.RunAsync("nsenter", ["--target", Leader(), "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--net", program, .. arguments], cancellationToken, check);

    /// <summary>Power off.</summary>
    public void Dispose()
    {
        process?.Kill(entireProcessTree: true);
        process?.WaitForExit();
        process?.Dispose();
        process = null;
        // What was in them is dead; the kernel may need a moment to say so.
        using var removal = Process.Start("sh", ["-c", $"for i in 1 2 3 4 5; do find {control} -depth -type d -exec rmdir {{}} + 2>/dev/null; ls -d {control} >/dev/null 2>&1 || exit 0; sleep 1; done"]);
        removal.WaitForExit();
    }

    private async Task PlugInAsync(LabNetwork network, int number, CancellationToken cancellationToken)
    {
        folder.NoteNamespace(name);
        foreach (var command in new[]
        {
            $"netns add {name}", $"-n {network.Name} link add worker{number} type veth peer name eth0 netns {name}", $"-n {network.Name} link set worker{number} master br0 up",
            $"-n {name} link set lo up", $"-n {name} link set eth0 up", $"-n {name} address add {Address}/24 dev eth0", $"-n {name} route add default via 10.77.0.1",
            // A cloud's metadata service is looked for; the answer that there is none comes at once.
            $"-n {name} route add unreachable 169.254.0.0/16",
        })
            await Shell.RunAsync("ip", command.Split(' '), cancellationToken).ConfigureAwait(false);
    }

    private void WriteRoot(Build build, string authority, byte[] inventory)
    {
        Directory.CreateDirectory(folder[name + "/work"]);
        Write("etc/operos/cluster-ca.crt", File.ReadAllBytes(authority));
        Write("etc/operos/inventory.json", inventory);
        Write("etc/resolv.conf", "nameserver 10.77.0.1\n"u8);
        Write("etc/systemd/system/operos-worker.service.d/native.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/operos-worker run --control 10.77.0.1:7443 --ca /etc/operos/cluster-ca.crt --inventory /etc/operos/inventory.json\n"u8);
        // The address is given, and the host's kernel is not ours to set up.
        foreach (var unit in (string[])["systemd-networkd.service", "systemd-networkd.socket", "systemd-resolved.service", "systemd-modules-load.service", "systemd-sysctl.service", "systemd-timesyncd.service"])
            File.CreateSymbolicLink(Prepare($"etc/systemd/system/{unit}"), "/dev/null");
        var containerd = Path.Combine(build.Out, "images/roots/node/etc/containerd/config.toml");
        Write("etc/containerd/config.toml", Encoding.UTF8.GetBytes(File.ReadAllText(containerd).Replace("[plugins.\"io.containerd.grpc.v1.cri\"]\n", "[plugins.\"io.containerd.grpc.v1.cri\"]\n  disable_apparmor = true\n  restrict_oom_score_adj = true\n", StringComparison.Ordinal)));
        Write("etc/systemd/system/native.service", "[Unit]\nDefaultDependencies=no\nAfter=local-fs.target\nBefore=basic.target\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh /etc/native.sh\n"u8);
        File.CreateSymbolicLink(Prepare("etc/systemd/system/basic.target.wants/native.service"), "../native.service");
        // kubelet demands these of the kernel, and control groups that it may write to.
        Write("etc/native.sh", """
            set -e
            mount -o remount,bind,rw /proc/sys
            for pair in vm/overcommit_memory:1 kernel/panic:10 kernel/panic_on_oops:1; do
                echo "${pair#*:}" > "/run/native-${pair#*:}"
                mount --bind "/run/native-${pair#*:}" "/proc/sys/${pair%:*}"
            done
            for hierarchy in /sys/fs/cgroup/*/; do mountpoint -q "$hierarchy" && mount -o remount,bind,rw "$hierarchy"; done
            mount --make-rshared /

            """u8);
    }

    private void Boot(Build build)
    {
        var roots = string.Join(':', Layers.Select(layer => Path.Combine(build.Out, "images/roots", layer)));
        var root = folder[name + "/root"];
        Directory.CreateDirectory(root);
        // Mounts end with the process: they are its own. systemd wants to be alone in each of its control groups.
        File.WriteAllText(folder[name + "/boot.sh"], $$"""
            set -e
            mount -t overlay overlay -o lowerdir={{roots}},upperdir={{folder[name + "/upper"]}},workdir={{folder[name + "/work"]}} {{root}}
            for hierarchy in /sys/fs/cgroup/*/; do
                [ -e "$hierarchy/cgroup.procs" ] || continue
                mkdir -p "$hierarchy/{{name}}"
                for file in cpuset.cpus cpuset.mems; do [ ! -e "$hierarchy/$file" ] || cat "$hierarchy/$file" > "$hierarchy/{{name}}/$file"; done
                echo $$ > "$hierarchy/{{name}}/cgroup.procs"
            done
            exec nsenter --net=/run/netns/{{name}} systemd-nspawn --directory={{root}} --boot --register=no --keep-unit --console=pipe --capability=all \
                --system-call-filter='@keyring bpf perf_event_open' --bind=/dev/null:/dev/kmsg

            """);
        process = Launcher.Start(new ProcessStartInfo("sh", ["-c", $"exec setpriv --pdeathsig KILL unshare --mount --propagation private sh {folder[name + "/boot.sh"]} >{ConsolePath} 2>&1 </dev/null"]));
        folder.NoteProcess(process.Id);
    }

    /// <summary>Its PID 1, as the host counts.</summary>
    private string Leader()
    {
        var children = File.ReadAllText($"/proc/{process!.Id}/task/{process.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return children.Length > 0 ? children[0] : throw new LabException($"{name} does not run:\n{File.ReadAllText(ConsolePath)}");
    }

    private void Write(string path, ReadOnlySpan<byte> contents) => File.WriteAllBytes(Prepare(path), contents);

    private string Prepare(string path)
    {
        var full = Path.Combine(folder[name + "/upper"], path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        return full;
    }
}

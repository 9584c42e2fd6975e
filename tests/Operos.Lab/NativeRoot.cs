using System.Text;

namespace Operos.Lab;

/// <summary>
/// What lies over the layers of a native machine: what a boot would have left, and nothing that only a kernel of its own could do.
/// </summary>
internal sealed class NativeRoot(string path)
{
    /// <summary>What this host's kernel and nspawn have done already, or what is the host's to do; why, by unit.</summary>
    private static readonly (string Unit, string Why)[] Masked =
    [
        ("systemd-networkd.service", "its network card is the end of a cable between namespaces, which has its address"),
        ("systemd-networkd.socket", "the same"),
        ("systemd-resolved.service", "it would be told servers by networkd; resolv.conf names the controller"),
        ("systemd-modules-load.service", "the host's kernel loads no modules for it"),
        ("systemd-sysctl.service", "what is not of its network is the host's"),
    ];

    /// <summary>
    /// kubelet demands these of the kernel, and control groups that it may write to. The host's firmware and disks are no parts of this
    /// machine: others would claim them too.
    /// </summary>
    private const string Adaptation = """
        set -e
        mount -o remount,bind,rw /proc/sys
        for pair in vm/overcommit_memory:1 kernel/panic:10 kernel/panic_on_oops:1; do
            echo "${pair#*:}" > "/run/native-${pair#*:}"
            mount --bind "/run/native-${pair#*:}" "/proc/sys/${pair%:*}"
        done
        for hierarchy in /sys/fs/cgroup/*/; do mountpoint -q "$hierarchy" && mount -o remount,bind,rw "$hierarchy"; done
        mount -t tmpfs -o ro,mode=0755 none /sys/block
        mount -t tmpfs -o mode=0755 none /sys/firmware
        mkdir -p /sys/firmware/dmi/tables
        cp /etc/native.dmi /sys/firmware/dmi/tables/DMI
        mount -o remount,ro /sys/firmware
        mount --make-rshared /

        """;

    private const string Unit = """
        [Unit]
        DefaultDependencies=no
        After=local-fs.target
        Before=basic.target

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh /etc/native.sh

        """;

    public void Write(string name, string text) => File.WriteAllText(Prepare(name), text);

    public void Write(string name, byte[] contents) => File.WriteAllBytes(Prepare(name), contents);

    public void Link(string name, string target) => File.CreateSymbolicLink(Prepare(name), target);

    /// <summary>Copies a folder's files, with their modes, as a disk's maker does.</summary>
    public void Copy(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            File.Copy(file, Prepare(Path.GetRelativePath(folder, file)));
    }

    /// <summary>What any machine needs to run on the kernel of another.</summary>
    /// <param name="serial">What its firmware says that it is.</param>
    public void Adapt(Build build, string serial)
    {
        Write("etc/native.dmi", SmbiosTable.Write("Acme", "R 1", serial));
        foreach (var (unit, _) in Masked) Link($"etc/systemd/system/{unit}", "/dev/null");
        Write("etc/resolv.conf", $"nameserver {NativeController.Address}\n");
        // Its console is a file of the test's folder; the journal itself ends with it.
        Write("etc/systemd/journald.conf.d/native.conf", "[Journal]\nForwardToConsole=yes\nMaxLevelConsole=info\n");
        var containerd = File.ReadAllText(Path.Combine(build.Out, "images/roots/node/etc/containerd/config.toml"));
        const string Runtime = "[plugins.\"io.containerd.grpc.v1.cri\"]\n";
        // In nspawn there is no AppArmor to load profiles into, and nobody may lower a score of the out-of-memory killer.
        const string Native = "  disable_apparmor = true\n  restrict_oom_score_adj = true\n";
        Write("etc/containerd/config.toml", containerd.Replace(Runtime, Runtime + Native, StringComparison.Ordinal));
        // The clock is the host's: it is looked at, and left as it is.
        var chronyd = File.ReadLines(Path.Combine(build.Out, "images/roots/node/usr/lib/systemd/system/operos-chrony.service"))
            .Single(line => line.StartsWith("ExecStart=", StringComparison.Ordinal));
        Write("etc/systemd/system/operos-chrony.service.d/native.conf", $"[Service]\nExecStart=\n{chronyd} -x\n");
        Write("etc/native.sh", Adaptation);
        Write("etc/systemd/system/native.service", Unit);
        Link("etc/systemd/system/basic.target.wants/native.service", "../native.service");
    }

    private string Prepare(string name)
    {
        var full = Path.Combine(path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        return full;
    }
}

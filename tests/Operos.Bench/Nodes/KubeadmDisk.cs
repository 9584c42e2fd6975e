using System.Globalization;
using Operos.Lab;

namespace Operos.Bench.Nodes;

/// <summary>The disk that kubeadm-node.sh made, with what only this run's cluster knows written onto a copy: how to join it.</summary>
internal sealed class KubeadmDisk
{
    private readonly LabFolder folder;

    private KubeadmDisk(LabFolder folder) => this.folder = folder;

    public static async Task<KubeadmDisk> MakeAsync(Build build, LabFolder folder, NativeCluster cluster, Kubectl kubectl,
        CancellationToken cancellationToken)
    {
        var made = Path.Combine(build.Out, "bench/kubeadm");
        if (!File.Exists(Path.Combine(made, "inputs")))
            throw new LabException(
            "there is no disk of kubeadm's to compare with: run tests/Operos.Bench/kubeadm-node.sh first, as make bench does");
        await KubeadmCluster.PrepareAsync(build, folder, cluster.Network, kubectl, cancellationToken);
        await cluster.CtlAsync(cancellationToken, "kubeconfig", "--user", "kubeadm-node", "--group", KubeadmCluster.Joiners, "--out",
            folder["discovery.kubeconfig"]);
        await cluster.CtlAsync(cancellationToken, "kubeconfig", "--user", "system:kube-proxy", "--out", folder["kube-proxy.kubeconfig"]);
        await File.WriteAllTextAsync(folder["join.yaml"], Join, cancellationToken);
        await File.WriteAllTextAsync(folder["grub.cfg"], Grub, cancellationToken);

        var disk = new KubeadmDisk(folder);
        await Shell.RunAsync("cp", ["--sparse=always", Path.Combine(made, "node.img"), disk.Image], cancellationToken);
        await Shell.RunAsync("mcopy", ["-i", $"{disk.Image}@@{Start(made, "esp")}", folder["grub.cfg"], "::EFI/debian/grub.cfg"],
            cancellationToken);
        await File.WriteAllLinesAsync(folder["debugfs.commands"], ((string[])["join.yaml", "discovery.kubeconfig", "kube-proxy.kubeconfig"])
            .Select(name => $"write {folder[name]} /etc/kubernetes/{name}"), cancellationToken);
        await Shell.RunAsync("debugfs", ["-w", "-f", folder["debugfs.commands"], $"{disk.Image}?offset={Start(made, "root")}"],
            cancellationToken);
        return disk;
    }

    /// <summary>A node that has never booted: a layer of its own over the disk.</summary>
    public async Task<NodeContender> NewNodeAsync(int round, CancellationToken cancellationToken)
    {
        var overlay = folder[$"kubeadm-{round}.qcow2"];
        await Shell.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", Image, overlay], cancellationToken);
        return NodeContender.Kubeadm(overlay);
    }

    private string Image => folder["kubeadm.img"];

    private static long Start(string made, string partition) =>
        long.Parse(File.ReadAllText(Path.Combine(made, partition + ".start")), CultureInfo.InvariantCulture);

    private const string Join = """
        apiVersion: kubeadm.k8s.io/v1beta2
        kind: JoinConfiguration
        discovery: {file: {kubeConfigPath: /etc/kubernetes/discovery.kubeconfig}}
        nodeRegistration: {name: kubeadm-node, criSocket: /run/containerd/containerd.sock}

        """;

    /// <summary>No menu. The kernel gets what a worker's gets.</summary>
    private const string Grub = $$"""
        serial --unit=0 --speed=115200
        terminal_input console serial
        terminal_output console serial
        set timeout=0
        menuentry 'Debian' {
          linux /vmlinuz root=LABEL=kubeadm ro console=ttyS0,115200 {{Build.GuestArguments}}
          initrd /initramfs.img
        }

        """;
}

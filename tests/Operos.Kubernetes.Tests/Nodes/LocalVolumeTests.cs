using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>
/// Volumes of the class <c>operos-local</c>. A native machine has no disks: file systems in RAM stand where a disk's volumes are mounted;
/// real disks are the emulated cluster's.
/// </summary>
public sealed class LocalVolumeTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Space = "local-volumes", Root = "/var/lib/operos/volumes", First = "5b0a6c1e-0000-4000-8000-000000000001",
        Second = "5b0a6c1e-0000-4000-8000-000000000002";

    [Fact]
    public async Task A_claim_gets_a_folder_on_a_disk_of_the_machine_that_has_room_and_gives_it_back()
    {
        var two = await Cluster.IdOfAsync(Cluster.Two);
        await MountAsync(First, "16m");
        await MountAsync(Second, "64m");
        try
        {
            await Cluster.UntilAsync("the worker's Node says that it has volumes", async () => (await Cluster.KubectlAsync(
                "get nodes -l operos.io/local-volumes=true -o jsonpath={.items[*].metadata.name}")) == two);
            // No node is named: the scheduler finds the only one with disks.
            await Cluster.ApplyAsync(SamplePods.Namespace(Space) + Claim("data", "40Mi") + Writer("writer", "data"));
            await SamplePods.RunAsync(Cluster, Space, 1);
            var volume = await Cluster.KubectlAsync($"-n {Space} get pvc data -o jsonpath={{.spec.volumeName}}");
            var folder = Cluster.Two.PathOf($"{Root}/{Second}/{volume}");
            await Cluster.UntilAsync("what the pod wrote, as nobody, is in the disk's folder",
                () => Task.FromResult(File.Exists($"{folder}/file") && File.ReadAllText($"{folder}/file") == "kept\n"));

            // What a disk has promised it does not promise again, and who claims it is told.
            await Cluster.ApplyAsync(Claim("more", "30Mi") + Writer("beggar", "more"));
            await Cluster.UntilAsync("the claim's events say why it has no volume", async () => (await Cluster.KubectlAsync(
                $"-n {Space} get events --field-selector involvedObject.name=more -o jsonpath={{.items[*].message}}"))
                .Contains("of 2 disks with volumes none has room for 31457280 bytes", StringComparison.Ordinal));

            await Cluster.KubectlAsync($"-n {Space} delete pod writer beggar --now");
            await Cluster.KubectlAsync($"-n {Space} delete pvc more");
            Assert.True(Directory.Exists(folder));
            // The next pod of the claim finds what the one before it left.
            await Cluster.ApplyAsync(Writer("reader", "data")
                .Replace("echo kept > /data/file", "grep -q kept /data/file", StringComparison.Ordinal));
            await SamplePods.RunAsync(Cluster, Space, 1);
            await Cluster.KubectlAsync($"-n {Space} delete pod reader --now");
            await Cluster.KubectlAsync($"-n {Space} delete pvc data");
            await Cluster.UntilAsync("the folder and the volume are gone", async () => !Directory.Exists(folder)
                && !File.Exists(folder + ".bytes")
                && !(await Cluster.KubectlAsync("get pv -o name")).Contains(volume, StringComparison.Ordinal));
        }
        finally
        {
            await Cluster.KubectlAsync($"delete namespace {Space} --ignore-not-found");
            foreach (var disk in (string[])[First, Second])
                await Cluster.Two.RunAsync("umount", ["--lazy", $"{Root}/{disk}"], default, check: false);
            // The next test may ask whether the worker itself made such folders.
            await Cluster.Two.RunAsync("rm", ["--recursive", "--one-file-system", Root], default, check: false);
        }
    }

    private Task MountAsync(string disk, string size) => Cluster.Two.RunAsync("sh", ["-c",
        $"mkdir -p {Root}/{disk} && mount -t tmpfs -o size={size} tmpfs {Root}/{disk}"], default);

    private static string Claim(string name, string size) => $$"""
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: { name: {{name}}, namespace: {{Space}} }
        spec: { storageClassName: operos-local, accessModes: [ReadWriteOnce], resources: { requests: { storage: {{size}} } } }

        """;

    private static string Writer(string name, string claim) => $$"""
        ---
        apiVersion: v1
        kind: Pod
        metadata: { name: {{name}}, namespace: {{Space}} }
        spec:
          automountServiceAccountToken: false
          terminationGracePeriodSeconds: 1
          securityContext: { runAsUser: 65534 }
          containers:
          - name: sample
            image: operos/sample:1
            imagePullPolicy: Never
            command: [sh, -c, "echo kept > /data/file && exec sleep 3600"]
            volumeMounts: [{ name: data, mountPath: /data }]
          volumes:
          - { name: data, persistentVolumeClaim: { claimName: {{claim}} } }

        """;
}

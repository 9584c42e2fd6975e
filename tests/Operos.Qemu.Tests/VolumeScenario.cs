using System.Globalization;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A volume of Ceph follows its pod from a worker that is lost, with all that was acknowledged.</summary>
internal static class VolumeScenario
{
    private const string Name = "ledger";

    /// <summary>
    /// A StatefulSet writes a number at a time and says it when it is on the volume. Its worker loses its power; the pod goes on elsewhere,
    /// with every number that it had said.
    /// </summary>
    public static async Task VolumeFollowsItsPodAsync(Cluster cluster)
    {
        var kubectl = cluster.Kubectl;
        await cluster.UntilPrintedAsync("each worker has OSDs that run, and the pool is whole", "every copy is where it should be",
            "storage", "status");
        await cluster.ApplyAsync(Name, Ledger);
        var first = await NodeAsync("");
        await kubectl.WaitAsync(text => Last(text) > 5, cluster.Left, cluster.Token, "logs", $"{Name}-0", "--tail=1");
        var lost = await MachineAsync(first);
        var acknowledged = Last(await kubectl.RunAsync(cluster.Token, "logs", $"{Name}-0", "--tail=1"));
        cluster.Tell($"{first} has said {acknowledged}, and loses its power");
        lost.Dispose();
        var second = await NodeAsync(first);
        cluster.Tell($"the pod runs on {second}");
        var found = await kubectl.WaitAsync(text => Last(text) >= acknowledged, cluster.Left, cluster.Token, "exec", $"{Name}-0", "--",
            "cat", "/data/ledger");
        var numbers = found.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToList();
        Assert.Equal(Enumerable.Range(1, numbers.Count), numbers);
        Assert.True(numbers.Count >= acknowledged, $"{numbers.Count} numbers were found, and {acknowledged} said");

        async Task<string> NodeAsync(string before)
        {
            var node = "";
            await kubectl.WaitAsync(text => text.Split(' ') is ["Running", var name] && name != before && (node = name).Length > 0,
                cluster.Left, cluster.Token, "get", "pod", $"{Name}-0", "-o", "jsonpath={.status.phase} {.spec.nodeName}");
            return node;
        }

        async Task<VirtualMachine> MachineAsync(string node)
        {
            var worker = (await cluster.WorkersAsync()).Single(known => known.Id == node);
            var uuid = (await cluster.SshAsync(worker.Address!, "cat /sys/class/dmi/id/product_uuid")).Trim();
            return cluster.Workers.Single(machine => machine.Options.Uuid == uuid);
        }
    }

    private static int Last(string text) =>
        int.TryParse(text.Trim().Split('\n')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private const string Ledger = """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: ledger}
        spec:
          serviceName: ledger
          replicas: 1
          selector: {matchLabels: {app: ledger}}
          template:
            metadata: {labels: {app: ledger}}
            spec:
              automountServiceAccountToken: false
              terminationGracePeriodSeconds: 1
              containers:
              - name: ledger
                image: operos/sample:1
                imagePullPolicy: Never
                command:
                - sh
                - -c
                - |
                  i=$(tail -n 1 /data/ledger 2>/dev/null || echo 0)
                  while :; do i=$((i + 1)); echo $i >> /data/ledger && sync && echo $i; sleep 0.2; done
                volumeMounts: [{name: data, mountPath: /data}]
          volumeClaimTemplates:
          - metadata: {name: data}
            spec: { storageClassName: operos, accessModes: [ReadWriteOnce], resources: { requests: { storage: 100Mi } } }

        """;
}

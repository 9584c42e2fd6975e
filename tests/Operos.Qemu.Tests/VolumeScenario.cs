using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A volume of Ceph follows its pod from a worker that is lost, with all that was acknowledged.</summary>
internal static class VolumeScenario
{
    /// <summary>Of a worker with OSDs and pods.</summary>
    public const int MemoryMiB = 3072;
    /// <summary>Of the controller.</summary>
    public const string Configuration = "[storage]\nceph = true\n";

    private const string Name = "ledger", Pod = $"{Name}-0", Claim = $"data-{Name}-0";

    /// <summary>
    /// A StatefulSet writes one number after the other, and says each when it is on the volume. The volume grows while that is done. Its
    /// worker is cut off from the network while the pod writes; the pod goes on elsewhere, and of what the one that was cut off sends when
    /// its cable is back nothing arrives. It is rebooted then, and has the same OSDs. All of the controller is killed, the monitor with
    /// it, and nobody waits for it. At the end the volume has every number that was said, each once.
    /// </summary>
    public static async Task VolumeFollowsItsPodAsync(Cluster cluster)
    {
        var kubectl = cluster.Kubectl;
        // With two machines, what is written while one is away has one copy: that is an operator's to say.
        var isSmall = cluster.Workers.Count == 2;
        if (isSmall) await cluster.CtlAsync("storage", "pool", "set", "--min-size", "1", "--yes");
        await cluster.UntilPrintedAsync("the pool has a copy on each worker", isSmall ? "2 copies, works with 1"
            : "3 copies, works with 2", "storage", "status");
        await UntilPoolIsWholeAsync("the pool is whole");
        var osds = await OsdsAsync(cluster);
        Assert.Equal(cluster.Workers.Sum(worker => worker.Options.Disks.Count), osds.Count);
        // What is left when it is lost has most of the OSDs.
        var most = osds.GroupBy(osd => osd.Split(' ')[1]).MaxBy(those => those.Count())!.Key;
        await kubectl.RunAsync(cluster.Token, "cordon", most);
        await cluster.ApplyAsync(Name, Ledger);
        var first = await NodeAsync("");
        await kubectl.RunAsync(cluster.Token, "uncordon", most);
        await UntilSaidAsync(5);
        cluster.Tell($"{first} has a volume, and writes");

        await kubectl.RunAsync(cluster.Token, "patch", "pvc", Claim, "-p", """{"spec":{"resources":{"requests":{"storage":"200Mi"}}}}""");
        await kubectl.WaitAsync(text => text == "200Mi", cluster.Left, cluster.Token, "get", "pvc", Claim, "-o",
            "jsonpath={.status.capacity.storage}");
        var size = await kubectl.RunAsync(cluster.Token, "exec", Pod, "--", "sh", "-c", "df -k /data | tail -n 1");
        var kiB = long.Parse(size.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        Assert.InRange(kiB, 180_000, 204_800);
        cluster.Tell("the volume has grown while it is written");

        var cut = await cluster.GuestAsync((await cluster.WorkersAsync()).Single(known => known.Id == first));
        var bootId = await BootIdAsync(first);
        var said = await SaidAsync();
        await cut.CableAsync(isPlugged: false, cluster.Token);
        cluster.Tell($"{first} has said {said}, and its cable is pulled");
        var clock = Stopwatch.StartNew();
        var second = await NodeAsync(first);
        await UntilSaidAsync(said + 1);
        cluster.Tell($"{second} writes on, {clock.Elapsed.TotalSeconds:0} s after {first} was cut off");
        await CheckAsync(said);
        await cut.CableAsync(isPlugged: true, cluster.Token);
        cluster.Tell($"the cable of {first} is back");
        await cluster.UntilAsync("it is rebooted", async () =>
        {
            var now = await BootIdAsync(first);
            return (now != bootId, now);
        });
        await cluster.UntilWholeAsync("the worker is back");
        await UntilPoolIsWholeAsync("the pool is whole again");
        Assert.Equal(osds, await OsdsAsync(cluster));

        // Neither the monitor nor what gives volumes out is needed to write.
        said = await SaidAsync();
        await cluster.CutControllersPowerAsync();
        await cluster.UntilAsync("the controller answers again", _ => true);
        await UntilSaidAsync(said + 5);
        Assert.Equal(second, await NodeAsync(""));
        await CheckAsync(said);

        await kubectl.RunAsync(cluster.Token, "delete", "statefulset", Name);
        await kubectl.RunAsync(cluster.Token, "delete", "pvc", Claim, "--wait=false");
        await cluster.UntilPrintedAsync("the volume is gone with its claim", "no volumes", "volumes", "list");
        if (isSmall) await cluster.CtlAsync("storage", "pool", "set", "--min-size", "2");

        // It may be told of more, such as that emulated OSDs are slow.
        Task UntilPoolIsWholeAsync(string what) => cluster.UntilAsync(what, async () =>
        {
            using var status = JsonDocument.Parse(await cluster.CtlAsync("storage", "status", "--json"));
            var counts = new[] { "osds", "osdsUp", "placementGroups", "placementGroupsClean", "degraded" }
                .Select(name => status.RootElement.TryGetProperty(name, out var count) ? count.GetInt32() : 0).ToList();
            return (counts is [> 0, _, > 0, _, 0] && counts[0] == counts[1] && counts[2] == counts[3], $"{status.RootElement}");
        });

        async Task CheckAsync(int acknowledged)
        {
            var found = await kubectl.RunAsync(cluster.Token, "exec", Pod, "--", "cat", "/data/ledger");
            // The last one may be under way.
            var numbers = found[..(found.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(Enumerable.Range(1, numbers.Length).Select(number => $"{number}"), numbers);
            Assert.True(numbers.Length >= acknowledged, $"{numbers.Length} numbers were found, and {acknowledged} said");
        }

        async Task<string> NodeAsync(string before)
        {
            var node = "";
            await kubectl.WaitAsync(text => text.Split(' ') is ["Running", var name] && name != before && (node = name).Length > 0,
                cluster.Left, cluster.Token, "get", "pod", Pod, "-o", "jsonpath={.status.phase} {.spec.nodeName}");
            return node;
        }

        async Task<int> SaidAsync() => Last(await kubectl.RunAsync(cluster.Token, "logs", Pod, "--tail=1"));

        Task UntilSaidAsync(int number) =>
            kubectl.WaitAsync(text => Last(text) >= number, cluster.Left, cluster.Token, "logs", Pod, "--tail=1");

        Task<string> BootIdAsync(string node) =>
            kubectl.RunAsync(cluster.Token, "get", "node", node, "-o", "jsonpath={.status.nodeInfo.bootID}");
    }

    /// <summary>Which number the OSD of each partition has.</summary>
    private static async Task<IReadOnlyList<string>> OsdsAsync(Cluster cluster)
    {
        using var list = JsonDocument.Parse(await cluster.CtlAsync("storage", "osd", "list", "--json"));
        return [.. list.RootElement.GetProperty("osds").EnumerateArray()
            .Select(osd => $"{osd.GetProperty("id")} {osd.GetProperty("machine")} {osd.GetProperty("partition")}").Order()];
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

using System.Text.Json;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>
/// A kernel shows its disks to every machine that is a container on it. None of them is a worker's, whatever the worker is told of disks:
/// it would write to those of the host on which it is tried.
/// </summary>
[Collection(Cluster.Alone)]
public sealed class DiskTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Mark = "/run/systemd/container", Hidden = "/run/container.hidden", InRam = "are in RAM until the next boot";

    [Fact]
    public async Task A_worker_in_a_container_leaves_the_disks_of_its_host_alone()
    {
        var worker = Cluster.Two;
        await Cluster.UntilAsync("its step tells why", async () => await ToldAsync(worker)
            is (true, var text) && text.StartsWith("this machine is a container (systemd-nspawn): disks are its host's; ",
                StringComparison.Ordinal) && text.EndsWith(InRam, StringComparison.Ordinal));
        // Nor where it knows neither that it is a container, nor that these are another's: it has no node of any.
        await RunAsync(worker, $"mv {Mark} {Hidden}; umount /sys/block");
        try
        {
            Assert.NotEmpty((await RunAsync(worker, "ls /sys/block")).Trim());
            await Cluster.UntilAsync("it has looked at disks and found none of its own", async () => await ToldAsync(worker)
                is (true, var text) && text.StartsWith("0 of 0 in use", StringComparison.Ordinal));
        }
        finally { await RunAsync(worker, $"mv {Hidden} {Mark}; mount -t tmpfs -o ro,mode=0755 none /sys/block"); }
        Assert.Equal("", await RunAsync(worker, "ls -d /var/lib/operos/ephemeral /var/lib/operos/volumes 2>/dev/null || true"));
        await Cluster.WholeAsync();
    }

    /// <summary>Whether the step is done, and its words.</summary>
    private static async Task<(bool Done, string Text)> ToldAsync(NativeMachine worker)
    {
        using var status = JsonDocument.Parse(await worker.RunAsync("operos-worker", ["status", "--json"], default));
        foreach (var step in status.RootElement.GetProperty("kubernetes").EnumerateArray())
            if (step.GetProperty("name").GetString() == "disks")
                return (step.GetProperty("done").GetBoolean(), step.GetProperty("text").GetString()!);
        return (false, "it has no such step");
    }

    private static Task<string> RunAsync(NativeMachine worker, string script) => worker.RunAsync("sh", ["-c", script], default);
}

using System.Text.RegularExpressions;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>The machines' clocks are the controller's, by the daemons that the image has.</summary>
public sealed class ClockTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Normal = "Normal", Unit = "operos-chrony.service";

    [Fact]
    public async Task Each_worker_s_chronyd_follows_the_controller_s_and_both_say_so()
    {
        foreach (var worker in (NativeMachine[])[Cluster.One, Cluster.Two])
        {
            await Cluster.UntilAsync($"{worker.Name} follows the controller", async () => await TrackingAsync(worker)
                is [_, NativeController.Address, "11", .., Normal]);
            foreach (var (command, line) in ((string, string)[])[("status", "clock       "), ("diag", "            ")])
                Assert.Contains($"\n{line}kept by {NativeController.Address}, ",
                    await worker.RunAsync("operos-worker", [command], default), StringComparison.Ordinal);
        }
        Assert.Equal(["7F7F0101", "", "10", Normal], (await TrackingAsync(Cluster.Controller)) is [var id, var source, var stratum, ..,
            var leap] ? [id, source, stratum, leap] : []);
        // An agent that has just begun has no heartbeats yet, and has not asked chronyd.
        await Cluster.UntilAsync("the status has both workers' clocks, and the controller's", async () =>
            await Cluster.CtlAsync("status") is var status && Regex.IsMatch(status, "(?m)^clocks of 2 machines are within [0-9]+ ms$")
            && Regex.IsMatch(status, @"(?m)^time +ok +\S+ ago +.* own: no answer from "));
        // Nothing else sets a clock beside it.
        foreach (var machine in (NativeMachine[])[Cluster.Controller, Cluster.One])
            Assert.Equal("chronyd", (await machine.RunAsync("sh",
                ["-c", "ps -e -o comm= | grep -E 'chronyd|timesync|ntpd' | sort -u"], default)).Trim());
    }

    [Fact]
    public async Task A_chronyd_that_dies_is_back_without_an_agent_s_doing()
    {
        await Cluster.CrashAsync(Cluster.One, Unit);
        await Cluster.UntilAsync("it answers", async () => await TrackingAsync(Cluster.One) is { Length: 14 });
    }

    private static async Task<string[]> TrackingAsync(NativeMachine machine) =>
        (await machine.RunAsync("chronyc", ["-n", "-c", "tracking"], default, check: false)).Trim().Split(',');
}

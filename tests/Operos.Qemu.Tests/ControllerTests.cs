using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A controller on its own kernel and disk, with all its units. Alone it takes one core, beside other guests.</summary>
public sealed class ControllerTests
{
    private const string Namespace = "kept";

    /// <summary>What it serves, its control plane and its own node; a power cut takes nothing that was declared.</summary>
    [Fact]
    public async Task A_controller_boots_from_its_disk_serves_and_is_the_same_after_a_power_cut()
    {
        var build = new Build();
        var folder = LabFolder.Create(Path.Combine(build.Out, "test"), "Controller");
        await using var cluster = await Cluster.CreateAsync(build, folder, new Budget(TimeSpan.FromMinutes(5)));
        await cluster.WatchAsync(TimeSpan.FromMinutes(45), async () =>
        {
            await cluster.PowerOnControllerAsync();
            await cluster.UntilAsync("boot traffic is served", status => status.AreHealthy(["dnsmasq", "releases"]));
            await cluster.UntilWholeAsync("all is well");
            Assert.Equal("running", await SystemAsync());
            var before = Assert.Single(await cluster.ListAsync());
            await cluster.CtlAsync("machines", "label", before.Id, "rack=one");
            if (build.HasKubernetes)
            {
                await cluster.IssueKubeconfigAsync();
                await cluster.Kubectl.RunAsync(cluster.Token, "create", "namespace", Namespace);
            }
            await cluster.CutControllersPowerAsync();
            await cluster.UntilWholeAsync("all is well again");
            var after = Assert.Single(await cluster.ListAsync());
            Assert.Equal((before.Id, before.Kind), (after.Id, after.Kind));
            Assert.Contains("rack=one", await cluster.CtlAsync("machines", "show", before.Id), StringComparison.Ordinal);
            if (build.HasKubernetes)
                Assert.Equal(Namespace, (await cluster.Kubectl.RunAsync(cluster.Token, "get", "namespace", Namespace, "-o",
                    "jsonpath={.metadata.name}")).Trim());
            Assert.Equal("running", await SystemAsync());
        });

        async Task<string> SystemAsync() =>
            (await cluster.SshAsync(ControllerDisk.Address, "systemctl is-system-running --wait")).Trim();
    }
}

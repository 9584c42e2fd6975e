using System.Text.Json.Nodes;
using Operos.Lab;

namespace Operos.Ceph.Tests;

/// <summary>
/// Claims become images: the controller's own code between a real API server with the controllers of Kubernetes that bind claims and
/// volumes, and a real monitor, manager and OSD.
/// </summary>
public sealed class PoolVolumeTests
{
    private const string Claims = "/api/v1/namespaces/default/persistentvolumeclaims", Volumes = "/api/v1/persistentvolumes";

    [Fact]
    public async Task Claims_become_images_grow_with_them_and_take_them_along_and_what_was_cut_is_completed()
    {
        Assert.SkipUnless(new Build().HasKubernetes, "the layers are without Kubernetes");
        await using var lab = CephLab.Create("volumes");
        using var rack = await VolumeRack.StartAsync(lab);
        var monitor = lab.Start();
        await lab.UntilDaemonsWorkAsync();
        rack.Begin();

        // Before there is a pool it is told why, and tried again.
        await rack.ClaimAsync("early", "10Mi");
        await rack.UntilAsync("it is told", async () => (await rack.EventsAsync("early")).Any(one =>
            one.StartsWith("there is no OSD, so nothing can be stored", StringComparison.Ordinal)));
        await lab.StartOsdAsync(Guid.NewGuid(), Guid.NewGuid());
        using var images = monitor.OpenImages();
        var early = await rack.BoundAsync("early");
        var volume = (await rack.Client.FindJsonAsync($"{Volumes}/{early}", default))!;
        Assert.Equal(("rbd.operos.io", early, "ext4"), ((string?)volume["spec"]!["csi"]!["driver"],
            (string?)volume["spec"]!["csi"]!["volumeHandle"], (string?)volume["spec"]!["csi"]!["fsType"]));
        Assert.Equal(("operos", "Delete", "Filesystem", "12Mi"), ((string?)volume["spec"]!["storageClassName"],
            (string?)volume["spec"]!["persistentVolumeReclaimPolicy"], (string?)volume["spec"]!["volumeMode"],
            (string?)volume["spec"]!["capacity"]!["storage"]));
        await rack.UntilAsync("its image is made", async () => await images.FindAsync(early, default) is
            { Bytes: 12 << 20, Claim: "default/early" } && !await rack.IsMarkedAsync(early));

        // From several machines at once: never.
        await rack.ClaimAsync("shared", "4Mi", spec => spec["accessModes"] = new JsonArray("ReadWriteMany"));
        await rack.UntilAsync("it is told", async () => (await rack.EventsAsync("shared")).Any(one =>
            one.StartsWith("it is to be used from several machines", StringComparison.Ordinal)));
        await rack.ClaimAsync("block", "4Mi", spec => spec["volumeMode"] = "Block");
        var block = await rack.BoundAsync("block");
        var source = (await rack.Client.FindJsonAsync($"{Volumes}/{block}", default))!["spec"]!;
        Assert.Equal(("Block", null), ((string?)source["volumeMode"], (string?)source["csi"]!["fsType"]));

        // The node is told of a file system's growth, once; a block device is as large at once.
        foreach (var name in (string[])["early", "block"]) await rack.AskForAsync(name, "30Mi");
        await rack.UntilAsync("both have grown", async () => await images.FindAsync(early, default) is { Bytes: 32 << 20 }
            && await images.FindAsync(block, default) is { Bytes: 32 << 20 } && await rack.CapacityAsync("block") == "32Mi");
        await rack.UntilAsync("the node is told", async () =>
            (await rack.ConditionsAsync("early")).SequenceEqual(["FileSystemResizePending"]));
        Assert.Equal(("32Mi", "12Mi"), (await rack.CapacityOfVolumeAsync(early), await rack.CapacityAsync("early")));
        Assert.Empty(await rack.ConditionsAsync("block"));
        await rack.SayGrownAsync("early", "32Mi");
        await Task.Delay(TimeSpan.FromSeconds(4));
        Assert.Empty(await rack.ConditionsAsync("early"));

        // Who has it keeps it; then it goes with its claim.
        rack.Holder = "m1 has it since today";
        await rack.DeleteClaimAsync("early");
        await rack.UntilAsync("its claim is gone", async () => await rack.PhaseAsync(early) == "Released");
        await rack.UntilAsync("it is told", () => Task.FromResult(File.ReadAllText(lab.Log).Contains(
            $"Volume {early} is removed later: m1 has it since today", StringComparison.Ordinal)));
        Assert.NotNull(await images.FindAsync(early, default));
        rack.Holder = null;
        await rack.UntilAsync("it is gone", async () => await rack.PhaseAsync(early) is null
            && await images.FindAsync(early, default) is null);

        // Cut between the volume and its image, and between the image's end and the volume's.
        await rack.EndAsync();
        await images.RemoveAsync(block, default);
        await rack.DeleteClaimAsync("block");
        await rack.ClaimAsync("cut", "4Mi");
        var cut = await rack.PlaceAsync("cut");
        rack.Begin();
        await rack.UntilAsync("what was cut is made", async () => await images.FindAsync(cut, default) is { Claim: "default/cut" }
            && !await rack.IsMarkedAsync(cut));
        await rack.UntilAsync("what has no image goes", async () => await rack.PhaseAsync(block) is null);
        Assert.Equal([cut], await images.ListAsync(default));

        // One that somebody keeps, and deletes himself, leaves its image behind.
        await rack.Client.MergeAsync($"{Volumes}/{cut}", new JsonObject
            { ["spec"] = new JsonObject { ["persistentVolumeReclaimPolicy"] = "Retain" } }, default);
        await rack.DeleteClaimAsync("cut");
        await rack.UntilAsync("its claim is gone", async () => await rack.PhaseAsync(cut) == "Released");
        await rack.Client.DeleteAsync($"{Volumes}/{cut}", default);
        await rack.UntilAsync("the volume is gone", async () => await rack.PhaseAsync(cut) is null);
        Assert.Equal([cut], await images.ListAsync(default));
        await rack.UntilAsync("it is known as nobody's", () => Task.FromResult(rack.Ours.Unclaimed.SequenceEqual([cut])));

        lab.SetNearlyFull(0.001);
        await lab.UntilAsync("it is nearly full", () => monitor.WhyNoImage is not null);
        await rack.ClaimAsync("full", "4Mi");
        await rack.UntilAsync("it is told", async () => (await rack.EventsAsync("full")).Any(one =>
            one.Contains("NEARFULL", StringComparison.Ordinal)));
        Assert.Equal("Pending", (string?)(await rack.Client.FindJsonAsync($"{Claims}/full", default))!["status"]!["phase"]);
    }
}

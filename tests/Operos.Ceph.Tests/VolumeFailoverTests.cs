using Operos.Controller.Storage;
using Operos.Linux.Ceph;
using Operos.Proto;

namespace Operos.Ceph.Tests;

/// <summary>
/// Volumes of a machine that is lost: the controller's own code between a real API server and real daemons of Ceph, and machines that are
/// real clients of it. The clock is moved.
/// </summary>
public sealed class VolumeFailoverTests
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task What_a_lost_machine_had_goes_to_others_when_no_OSD_takes_anything_from_it_and_only_another_boot_lets_it_back()
    {
        await using var rack = await FailoverRack.StartAsync("failover");
        var (told, untold, idle) = (await rack.VolumeAsync("told"), await rack.VolumeAsync("untold"), await rack.VolumeAsync("idle"));
        await rack.BeginAsync();
        var (one, two, three) = (rack.Machines[0], rack.Machines[1], rack.Machines[2]);
        string[] pods = ["bystander", "elsewhere", "first", "second"];
        IReadOnlyList<string> addresses;
        using (var first = await rack.MapAsync(one, told))
        using (var second = await rack.MapAsync(one, untold))
        {
            foreach (var open in (OpenImage[])[first, second]) open.Image.Keep("written", "before");
            var image = (await rack.ImageAsync(told))!;
            Assert.Equal(image.LockOwner, Assert.Single(image.Watchers));
            await one.Connection.CallAsync<Done>(new TellVolume { Volume = told, Addresses = image.Watchers }, default);
            await three.StageAsync(idle);
            await rack.NodeAsync(one, "Unknown");
            await rack.PodAsync("first", one, "told");
            await rack.PodAsync("second", one, "untold");
            await rack.PodAsync("bystander", one, null);
            await rack.PodAsync("elsewhere", three, "idle");

            // Given up while the monitor does not answer: that is written down, and the controller is cut.
            rack.Lab.HoldMonitor(true);
            await rack.PassTimeAsync(Silence, isMonitorHeld: true, one);
            var fence = Assert.Single(rack.Fences);
            Assert.Equal((one.Id, "boot-1", 0L, false), (fence.Machine, fence.BootId, fence.Epoch, fence.InForce));
            Assert.Equal(new HashSet<string> { told, untold }, fence.Volumes.ToHashSet());
            Assert.Equal(image.Watchers, fence.Addresses);
            Assert.Contains("was given up at", (await one.RefusedAsync(idle)).Message, StringComparison.Ordinal);
            rack.Lab.HoldMonitor(false);
            await rack.Lab.UntilAsync("the monitor answers", () => rack.Lab.Works("ceph-mon"));
            Assert.True(await rack.HasUserAsync(one));

            // It is shut out, and an OSD does not say that it knows: nobody else gets what it has. The controller is cut again.
            rack.Lab.HoldOsds(true);
            for (var time = 0; time < 2; time++)
            {
                await rack.RestartAsync();
                await rack.UntilToldAsync("osd.0 does not answer");
                Assert.True(Assert.Single(rack.Fences) is { Epoch: > 0, InForce: false });
                Assert.False(await rack.HasUserAsync(one));
                Assert.Contains($"{one.Id} has {told} since ", (await two.RefusedAsync(told)).Message, StringComparison.Ordinal);
                Assert.Equal(pods, await rack.PodsAsync());
            }

            // Of whom it did not tell is shut out, too, before that counts. The controller is cut before it deletes the pods.
            await rack.KillApiAsync();
            rack.Lab.HoldOsds(false);
            await rack.UntilAsync("it is in force", () => Task.FromResult(Assert.Single(rack.Fences).InForce));
            Assert.Single(rack.Told, line => line.Contains("clients of Ceph that it did not tell", StringComparison.Ordinal));
            addresses = Assert.Single(rack.Fences).Addresses;
            Assert.Equal(2, addresses.Count);
            foreach (var open in (OpenImage[])[first, second])
                Assert.True(Assert.Throws<RadosException>(() => open.Image.Keep("written", "after")).IsShutOut);
            await rack.StartApiAsync();
            Assert.Equal(pods, await rack.PodsAsync());
            await rack.RestartAsync();
            Assert.Equal(["bystander", "elsewhere"], await rack.PodsAsync());
        }

        using (var next = await rack.MapAsync(two, told))
        {
            Assert.Equal("before", next.Image.Find("written"));
            // Taking the lock has who had it shut out for an hour, in place of what was.
            next.Image.Keep("written", "elsewhere");
        }
        await rack.PassTimeAsync(TimeSpan.FromMinutes(5), isMonitorHeld: true, one);
        var listed = await rack.ShutOutAsync();
        Assert.Equal(addresses.ToHashSet(), listed.Keys.ToHashSet());
        Assert.All(listed, entry => Assert.True(entry.Value > DateTime.UtcNow.AddYears(9), $"{entry}"));

        // Back in the same boot it gets nothing, and is rebooted; another boot is let in.
        await rack.JoinAsync(one, "boot-1");
        Assert.Contains("was given up at", (await one.RefusedAsync(untold)).Message, StringComparison.Ordinal);
        await rack.UntilAsync("it is rebooted", () => Task.FromResult(one.Reboots > 0));
        Assert.Equal(1, one.Reboots);
        Assert.Equal(addresses.ToHashSet(), (await rack.ShutOutAsync()).Keys.ToHashSet());
        await rack.JoinAsync(one, "boot-2");
        await rack.UntilAsync("it is let back", () => Task.FromResult(rack.Fences.Count == 0));
        Assert.Empty(await rack.ShutOutAsync());
        Assert.False(await rack.HasUserAsync(one));
        using (var again = await rack.MapAsync(one, untold)) Assert.Equal("before", again.Image.Find("written"));

        // One that an operator removes keeps no user.
        var users = new RemovedUsers(rack.Lab.Monitor, rack.Controller.Registry, rack.Log);
        Assert.True(await users.PassAsync(default));
        Assert.True(await rack.HasUserAsync(one));
        await rack.Controller.OperateAsync<Done>(new RemoveMachine { Machine = one.Id });
        Assert.True(await users.PassAsync(default));
        Assert.Equal((false, true), (await rack.HasUserAsync(one), await rack.HasUserAsync(two)));
    }

    [Fact]
    public async Task Nobody_is_given_up_while_it_may_be_the_controller_that_is_cut_off_or_the_machine_lives()
    {
        await using var rack = await FailoverRack.StartAsync("nobody");
        var volume = await rack.VolumeAsync("data");
        await rack.BeginAsync();
        var one = rack.Machines[0];
        await one.StageAsync(volume);
        await rack.NodeAsync(one, "True");

        // All are silent at once; then most are back, and the others may only be slower.
        await rack.PassTimeAsync(TimeSpan.FromSeconds(80), isMonitorHeld: false, rack.Machines);
        ToldOnce("only 0 of 3 machines answer");
        await rack.PassTimeAsync(TimeSpan.FromSeconds(20), isMonitorHeld: false, one);
        ToldOnce("most machines answer only since a moment ago");
        await rack.PassTimeAsync(TimeSpan.FromSeconds(60), isMonitorHeld: false, one);
        ToldOnce("its kubelet still answers");

        await rack.NodeAsync(one, "Unknown");
        rack.Lab.HoldOsds(true);
        rack.Lab.MarkDown(0);
        await rack.Lab.UntilAsync("it is down", () => rack.Lab.Monitor.Facts?.Osds.All(osd => !osd.IsUp) == true);
        await rack.PassTimeAsync(TimeSpan.FromSeconds(40), isMonitorHeld: false, one);
        ToldOnce("only 0 of 1 OSDs of other machines are up");
        rack.Lab.HoldMonitor(true);
        await rack.PassTimeAsync(TimeSpan.FromSeconds(120), isMonitorHeld: true, one);
        ToldOnce("Ceph's monitor does not answer");

        // What it has stays its own, until nothing is in the way any more.
        Assert.Contains($"{one.Id} has {volume}", (await rack.Machines[1].RefusedAsync(volume)).Message, StringComparison.Ordinal);
        rack.Lab.HoldMonitor(false);
        rack.Lab.HoldOsds(false);
        // Most of all OSDs are the silent machine's own: they are down with it, and are no reason to wait.
        foreach (var osd in (int[])[1, 2])
        {
            await rack.Lab.StartOsdAsync(Guid.NewGuid(), Guid.Parse(one.Id));
            await rack.Lab.UntilAsync("it is up", () => UpCount() == osd + 1);
        }
        foreach (var osd in (int[])[1, 2])
        {
            await rack.Lab.EndOsdAsync(osd);
            rack.Lab.MarkDown(osd);
        }
        await rack.Lab.UntilAsync("only another's is up", () => UpCount() == 1 && rack.Lab.Monitor.Facts!.Osds.Count == 3);
        await rack.PassTimeAsync(TimeSpan.FromSeconds(20), isMonitorHeld: false, one);
        Assert.Equal(one.Id, Assert.Single(rack.Fences).Machine);

        int UpCount() => rack.Lab.Monitor.Facts?.Osds.Count(osd => osd.IsUp) ?? 0;

        void ToldOnce(string what)
        {
            Assert.Empty(rack.Fences);
            Assert.Single(rack.Told, line => line.Contains(what, StringComparison.Ordinal));
        }
    }
}

using Operos.Ceph.Monitors;
using Operos.Linux.Ceph;

namespace Operos.Ceph.Tests;

/// <summary>A machine that is shut out of a real cluster, with an image open.</summary>
public sealed class ClientFenceTests
{
    private const string Name = "pvc-0d2a9c0e-1111-4222-8333-4444555566fe";

    [Fact]
    public async Task What_a_machine_has_open_takes_nothing_from_it_once_every_OSD_has_heard_and_only_its_next_boot_lets_it_back()
    {
        await using var lab = CephLab.Create("fence");
        var monitor = lab.Start();
        await lab.UntilDaemonsWorkAsync();
        await lab.StartOsdAsync(Guid.NewGuid(), Guid.NewGuid());
        await lab.UntilThereIsAPoolAsync();
        using var images = monitor.OpenImages();
        await images.MakeAsync(Name, 8 << 20, "default/data", default);
        var (lost, other) = (Guid.NewGuid(), Guid.NewGuid());

        using var of = await ClientAsync(lab, lost);
        using var pool = of.OpenPool("kube");
        using var mapped = pool.Open(Name, writable: true);
        mapped.Keep("written", "before");
        var address = Assert.Single((await images.FindAsync(Name, default))!.Watchers);

        // Until an OSD has said that it knows, it is not in force.
        lab.HoldOsds(true);
        var epoch = await monitor.ShutOutAsync(lost, [address], default);
        Assert.Equal($"not all OSDs have map {epoch}: osd.0 does not answer", await monitor.WhyNotInForceAsync(epoch, default));
        lab.HoldOsds(false);
        await lab.UntilAsync("it is in force", () => monitor.WhyNotInForceAsync(epoch, default).GetAwaiter().GetResult() is null);
        Assert.True(Assert.Throws<RadosException>(() => mapped.Keep("written", "after")).IsShutOut);
        // Nor does it come back as another client.
        await Assert.ThrowsAsync<RadosException>(() => Task.Run(() => Open(lab, lost)));
        // Of the one that is shut out nothing is left: the next machine has the image for itself.
        using (var second = await ClientAsync(lab, other))
        using (var pools = second.OpenPool("kube"))
        using (var image = pools.Open(Name, writable: true))
        {
            Assert.Equal("before", image.Find("written"));
            image.Keep("written", "elsewhere");
        }

        // Again, as an agent does that was cut in between.
        Assert.True(await monitor.ShutOutAsync(lost, [address], default) >= epoch);
        var listed = (await lab.AskAsync(new CephCommand("osd dump"))).GetProperty("blocklist").GetProperty(address).GetString()!;
        Assert.True(DateTime.Parse(listed[..10], System.Globalization.CultureInfo.InvariantCulture) > DateTime.UtcNow.AddYears(9), listed);
        await monitor.LetBackAsync([address], default);
        await monitor.LetBackAsync([address], default);
        Assert.Empty((await lab.AskAsync(new CephCommand("osd dump"))).GetProperty("blocklist").EnumerateObject());
        using var again = await ClientAsync(lab, lost);
        using var pooled = again.OpenPool("kube");
        using var opened = pooled.Open(Name, writable: true);
        Assert.Equal("elsewhere", opened.Find("written"));
    }

    private static async Task<RadosConnection> ClientAsync(CephLab lab, Guid machine)
    {
        var key = CephKey.Of(machine.ToByteArray());
        var user = await lab.Monitor.LetInAsync(machine, key, default);
        await File.WriteAllBytesAsync(lab.Folder[$"{machine}.keyring"], Keyring.Of($"client.{user}", key.Text));
        await File.WriteAllTextAsync(lab.Folder[$"{machine}.conf"],
            CephConfiguration.Client(lab.Monitor.Map!, lab.Folder[$"{machine}.keyring"]));
        return Open(lab, machine);
    }

    private static RadosConnection Open(CephLab lab, Guid machine) =>
        RadosConnection.Open($"client.operos-{machine}", lab.Folder[$"{machine}.conf"], TimeSpan.FromSeconds(20));
}

using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Operos.Ceph.Monitors;
using Operos.Ceph.Pools;
using Operos.Linux.Ceph;

namespace Operos.Ceph.Tests;

/// <summary>Images in the pool of a real monitor, manager and OSD, by the controller's own code.</summary>
public sealed partial class PoolImageTests
{
    private const string Name = "pvc-0d2a9c0e-1111-4222-8333-444455556666";

    [Fact]
    public async Task Images_are_made_once_grow_and_go_unless_somebody_has_them_open_and_no_question_hangs()
    {
        await using var lab = CephLab.Create("images");
        var monitor = lab.Start();
        await lab.UntilDaemonsWorkAsync();
        Assert.StartsWith("there is no OSD", monitor.WhyNoImage, StringComparison.Ordinal);
        await lab.StartOsdAsync(Guid.NewGuid(), Guid.NewGuid());
        await lab.UntilThereIsAPoolAsync();
        using var images = monitor.OpenImages();
        Assert.Empty(await images.ListAsync(default));
        Assert.Null(await images.FindAsync(Name, default));

        // As often as it is asked.
        for (var time = 0; time < 2; time++) await images.MakeAsync(Name, 8 << 20, "default/data", default);
        var made = await images.FindAsync(Name, default);
        Assert.Equal((8L << 20, "default/data", 0), (made!.Bytes, made.Claim, made.Watchers.Count));
        await images.MakeAsync(Name, 4 << 20, "default/other", default);
        var kept = (await images.FindAsync(Name, default))!;
        Assert.Equal((8L << 20, "default/other"), (kept.Bytes, kept.Claim));
        Assert.Equal([Name], await images.ListAsync(default));
        // What Linux 6.12 maps (RBD_FEATURES_SUPPORTED): layering, exclusive-lock, object-map, fast-diff, deep-flatten.
        using (var connection = RadosConnection.Open("client.admin", lab.Paths.ClientConfiguration, CephLab.Patience))
        using (var pool = connection.OpenPool(PoolImages.Pool))
        {
            using (var image = pool.Open(Name, writable: true))
            {
                Assert.Equal(61ul, image.Features);
                var watcher = Assert.Single((await images.FindAsync(Name, default))!.Watchers);
                Assert.StartsWith($"{lab.Address}".Split('.')[0] + ".", watcher, StringComparison.Ordinal);
                Assert.Contains(watcher, (await Assert.ThrowsAsync<ImageInUseException>(() => images.RemoveAsync(Name, default))).Message,
                    StringComparison.Ordinal);
                await images.GrowAsync(Name, 64 << 20, default);
            }
            Assert.Equal(64L << 20, (await images.FindAsync(Name, default))!.Bytes);
            // It is never made smaller.
            await images.GrowAsync(Name, 8 << 20, default);
            Assert.Equal(64L << 20, (await images.FindAsync(Name, default))!.Bytes);
            Assert.Throws<RadosException>(() => pool.Create(Name, 1 << 20));
        }

        // Its user may what a client must, as often as it is asked, and again where somebody took that away.
        var (machine, key) = (Guid.NewGuid(), CephKey.Make());
        Assert.Equal($"operos-{machine}", await monitor.LetInAsync(machine, key, default));
        await lab.AskAsync(new CephCommand("auth rm").With("entity", $"client.operos-{machine}"));
        for (var time = 0; time < 2; time++) await monitor.LetInAsync(machine, key, default);
        var user = (await lab.AskAsync(new CephCommand("auth get").With("entity", $"client.operos-{machine}")))[0];
        Assert.Equal((key.Text, "profile rbd", "profile rbd pool=kube"), (user.TextOf("key"), user.Member("caps").TextOf("mon"),
            user.Member("caps").TextOf("osd")));

        // With the OSD silent, and then the monitor: whoever asks is told in time, and it goes on afterwards.
        foreach (var hold in (Action<bool>[])[lab.HoldOsds, lab.HoldMonitor])
        {
            hold(true);
            using var other = monitor.OpenImages();
            foreach (var asked in (PoolImages[])[images, other])
            {
                var clock = Stopwatch.StartNew();
                await asked.FindAsync(Name, default).ContinueWith(found =>
                    Assert.True(found.IsCompletedSuccessfully || found.Exception?.InnerException is IOException, $"{found.Exception}"));
                Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(45));
            }
            hold(false);
            await lab.UntilAsync("it works again", () => lab.Works("ceph-mon"));
        }
        await Task.Delay(TimeSpan.FromSeconds(2));
        for (var time = 0; time < 2; time++) await images.RemoveAsync(Name, default);
        Assert.Empty(await images.ListAsync(default));

        lab.SetNearlyFull(0.001);
        await lab.UntilAsync("it is nearly full", () => monitor.WhyNoImage?.Contains("NEARFULL", StringComparison.Ordinal) == true);
    }

    /// <summary>A name, and nothing behind it: so librbd leaves it when it is cut. It is no image, and is in no image's way.</summary>
    [Fact]
    public async Task An_image_whose_making_was_cut_is_completed_or_goes()
    {
        await using var lab = CephLab.Create("cut-images");
        var monitor = lab.Start();
        await lab.UntilDaemonsWorkAsync();
        await lab.StartOsdAsync(Guid.NewGuid(), Guid.NewGuid());
        await lab.UntilThereIsAPoolAsync();
        using var images = monitor.OpenImages();
        async Task CutAsync()
        {
            await images.MakeAsync(Name, 8 << 20, "default/data", default);
            RemoveHeader(lab.Paths.ClientConfiguration);
            Assert.Null(await images.FindAsync(Name, default));
            Assert.Equal([Name], await images.ListAsync(default));
        }
        await CutAsync();
        await images.MakeAsync(Name, 4 << 20, "default/data", default);
        var made = (await images.FindAsync(Name, default))!;
        Assert.Equal((4L << 20, "default/data"), (made.Bytes, made.Claim));
        await CutAsync();
        await images.RemoveAsync(Name, default);
        Assert.Empty(await images.ListAsync(default));
        // Where nobody knows whether there is one, nothing is said to be gone.
        File.Delete(lab.Paths.ClientConfiguration);
        using var lost = monitor.OpenImages();
        await Assert.ThrowsAsync<IOException>(() => lost.RemoveAsync(Name, default));
        await Assert.ThrowsAsync<IOException>(() => lost.FindAsync(Name, default));
    }

    /// <summary>Of an image its name and its id are left: the object <c>rbd_id.NAME</c> has the id, behind its length.</summary>
    private static unsafe void RemoveHeader(string configuration)
    {
        static int Checked(int result) => result >= 0 ? result : throw new RadosException("librados", -result, "");
        Checked(rados_create2(out var cluster, "ceph", "client.admin", 0));
        try
        {
            Checked(rados_conf_read_file(cluster, configuration));
            Checked(rados_connect(cluster));
            Checked(rados_ioctx_create(cluster, PoolImages.Pool, out var context));
            try
            {
                const int longest = 64;
                var id = stackalloc byte[longest];
                var length = Checked(rados_read(context, $"rbd_id.{Name}", id, longest, 0));
                var text = Encoding.ASCII.GetString(id + sizeof(uint), length - sizeof(uint));
                Checked(rados_remove(context, $"rbd_header.{text}"));
            }
            finally { rados_ioctx_destroy(context); }
        }
        finally { rados_shutdown(cluster); }
    }

    [LibraryImport("librados.so.2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rados_create2(out nint cluster, string clusterName, string user, ulong flags);

    [LibraryImport("librados.so.2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rados_conf_read_file(nint cluster, string path);

    [LibraryImport("librados.so.2")]
    private static partial int rados_connect(nint cluster);

    [LibraryImport("librados.so.2")]
    private static partial void rados_shutdown(nint cluster);

    [LibraryImport("librados.so.2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rados_ioctx_create(nint cluster, string pool, out nint context);

    [LibraryImport("librados.so.2")]
    private static partial void rados_ioctx_destroy(nint context);

    [LibraryImport("librados.so.2", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int rados_read(nint context, string name, byte* value, nuint length, ulong offset);

    [LibraryImport("librados.so.2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rados_remove(nint context, string name);
}

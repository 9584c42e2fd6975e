using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// What goes wrong with a release while it is fetched: each is refused or waited out, said on the console, and boots once it is mended.
/// What is in the layers does not matter here, nor how the kernel came.
/// </summary>
public sealed class FetchTests(BareRelease bare)
{
    [Fact]
    public async Task A_controller_restarted_in_mid_fetch_is_waited_for_and_the_fetch_resumed()
    {
        await using var rack = await Rack.CreateAsync(await bare.BuildAsync());
        await rack.WatchAsync(async () =>
        {
            // 5 s for the whole: it is killed in mid-fetch however fast the host is.
            var machine = await rack.StartKernelAsync(Rack.Worker with { Nics = [Rack.Worker.Nics[0] with { Rate = "40mbit" }] });
            await rack.ShowsAsync(machine, "manifest: done");
            rack.Controller.Kill();
            await rack.ShowsAsync(machine, "fetch: .*trying again");
            await rack.Controller.RunAsync(rack.Over);
            var (boot, _) = await rack.TellsAsync(machine);
            Assert.True(boot.GetProperty("retries").GetInt32() > 0);
            Assert.Equal(0, boot.GetProperty("restarts").GetInt32());
        });
    }

    [Fact]
    public async Task A_corrupted_layer_is_refused_and_boots_once_repaired()
    {
        await using var rack = await Rack.CreateAsync(await bare.BuildAsync());
        await rack.WatchAsync(async () =>
        {
            var layer = Path.Combine(rack.Controller.ReleaseFolder, "base.squashfs");
            Flip(layer);
            var machine = await rack.StartKernelAsync(Rack.Worker);
            await rack.ShowsAsync(machine, "base.squashfs: chunk [0-9]+ does not match the signed release; refused");
            Assert.DoesNotContain("switch:", machine.Console.Text, StringComparison.Ordinal);
            Flip(layer);
            var (boot, _) = await rack.TellsAsync(machine);
            Assert.True(boot.GetProperty("refusedChunks").GetInt32() > 0);
        });
    }

    [Fact]
    public async Task A_truncated_layer_is_noticed_and_boots_once_repaired()
    {
        await using var rack = await Rack.CreateAsync(await bare.BuildAsync());
        await rack.WatchAsync(async () =>
        {
            var layer = Path.Combine(rack.Controller.ReleaseFolder, "base.squashfs");
            var whole = await File.ReadAllBytesAsync(layer);
            await using (var file = File.OpenWrite(layer)) file.SetLength(whole.Length / 2);
            var machine = await rack.StartKernelAsync(Rack.Worker);
            await rack.ShowsAsync(machine, "base.squashfs: the server (answered 416|sent another range)");
            await File.WriteAllBytesAsync(layer, whole);
            var (boot, _) = await rack.TellsAsync(machine);
            Assert.True(boot.GetProperty("retries").GetInt32() > 0);
        });
    }

    [Fact]
    public async Task A_release_replaced_in_mid_boot_is_noticed_and_begun_again()
    {
        await using var rack = await Rack.CreateAsync(await bare.BuildAsync());
        await rack.WatchAsync(async () =>
        {
            // A chunk that never verifies keeps the machine in its fetch until the release is replaced.
            Flip(Path.Combine(rack.Controller.ReleaseFolder, "base.squashfs"));
            var machine = await rack.StartKernelAsync(Rack.Worker);
            await rack.ShowsAsync(machine, "base.squashfs: chunk [0-9]+ does not match the signed release; refused");
            await rack.Controller.PublishAsync(Path.GetFileName(rack.Controller.ReleaseFolder), DateTimeOffset.UtcNow, rack.Over, folder =>
            {
                // Behind the end that its superblock tells, a SquashFS may hold anything.
                using var layer = File.Open(Path.Combine(folder, "base.squashfs"), FileMode.Append);
                layer.Write(new byte[4096]);
            });
            await rack.ShowsAsync(machine, "fetch: release .* was replaced on the server; beginning again");
            var (boot, _) = await rack.TellsAsync(machine);
            Assert.Equal(1, boot.GetProperty("restarts").GetInt32());
        });
    }

    private static void Flip(string path)
    {
        // The controller may be serving it: .NET would else want the file for itself alone (flock(2)).
        using var file = File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = file.Length / 2;
        var value = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)~value);
    }
}

using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>What goes wrong with a release while it is fetched: each is refused or waited out, said on the console, and boots once it is mended.</summary>
public sealed class FetchTests
{
    [Fact]
    public async Task A_controller_restarted_in_mid_fetch_is_waited_for_and_the_fetch_resumed()
    {
        await using var rack = await Rack.CreateAsync();
        await rack.WatchAsync(async () =>
        {
            var machine = await rack.PowerOnAsync(Rack.Worker);
            await machine.Console.WaitForAsync("manifest: done", Rack.BootPatience, default);
            rack.Controller.Kill();
            await machine.Console.WaitForAsync("fetch: .*trying again", Rack.BootPatience, default);
            await rack.Controller.RunAsync(default);
            var (_, boot) = await rack.EnrolledAsync(machine);
            Assert.True(boot.GetProperty("retries").GetInt32() > 0);
            Assert.Equal(0, boot.GetProperty("restarts").GetInt32());
        });
    }

    [Fact]
    public async Task A_corrupted_layer_is_refused_and_boots_once_repaired()
    {
        await using var rack = await Rack.CreateAsync();
        await rack.WatchAsync(async () =>
        {
            var layer = Path.Combine(rack.Controller.ReleaseFolder, "base.squashfs");
            Flip(layer);
            var machine = await rack.PowerOnAsync(Rack.Worker);
            await machine.Console.WaitForAsync("base.squashfs: chunk [0-9]+ does not match the signed release; refused", Rack.BootPatience, default);
            Assert.Empty(await rack.Controller.WorkersAsync(default));
            Flip(layer);
            var (_, boot) = await rack.EnrolledAsync(machine);
            Assert.True(boot.GetProperty("refusedChunks").GetInt32() > 0);
        });
    }

    [Fact]
    public async Task A_truncated_layer_is_noticed_and_boots_once_repaired()
    {
        await using var rack = await Rack.CreateAsync();
        await rack.WatchAsync(async () =>
        {
            var layer = Path.Combine(rack.Controller.ReleaseFolder, "base.squashfs");
            var whole = await File.ReadAllBytesAsync(layer);
            await using (var file = File.OpenWrite(layer)) file.SetLength(whole.Length / 2);
            var machine = await rack.PowerOnAsync(Rack.Worker);
            await machine.Console.WaitForAsync("base.squashfs: the server (answered 416|sent another range)", Rack.BootPatience, default);
            await File.WriteAllBytesAsync(layer, whole);
            var (_, boot) = await rack.EnrolledAsync(machine);
            Assert.True(boot.GetProperty("retries").GetInt32() > 0);
        });
    }

    [Fact]
    public async Task A_release_replaced_in_mid_boot_is_noticed_and_begun_again()
    {
        await using var rack = await Rack.CreateAsync();
        await rack.WatchAsync(async () =>
        {
            // A chunk that never verifies keeps the machine in its fetch until the release is replaced.
            Flip(Path.Combine(rack.Controller.ReleaseFolder, "base.squashfs"));
            var machine = await rack.PowerOnAsync(Rack.Worker);
            await machine.Console.WaitForAsync("base.squashfs: chunk [0-9]+ does not match the signed release; refused", Rack.BootPatience, default);
            await rack.Controller.PublishAsync(Path.GetFileName(rack.Controller.ReleaseFolder), DateTimeOffset.UtcNow, default, folder =>
            {
                // Behind the end that its superblock tells, a SquashFS may hold anything.
                using var layer = File.Open(Path.Combine(folder, "base.squashfs"), FileMode.Append);
                layer.Write(new byte[4096]);
            });
            await machine.Console.WaitForAsync("fetch: release .* was replaced on the server; beginning again", Rack.BootPatience, default);
            var (_, boot) = await rack.EnrolledAsync(machine);
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

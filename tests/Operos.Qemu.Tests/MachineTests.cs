using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>Machines that are not as they should be.</summary>
public sealed class MachineTests(BareRelease bare)
{
    [Fact]
    public async Task Too_little_memory_is_refused_before_the_download()
    {
        // With the real layers: their size is what does not fit.
        await using var rack = await Rack.CreateAsync();
        await rack.WatchAsync(async () =>
        {
            var machine = await rack.StartKernelAsync(Rack.Worker with { MemoryMiB = 208 });
            await rack.ShowsAsync(machine,
                "fetch: not enough memory: the image needs [0-9]+ MB and 67 MB to start, [0-9]+ MB are available; nothing was fetched");
            Assert.DoesNotContain("fetch: 3 layers", machine.Console.Text, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_kernel_that_panics_starts_its_machine_again()
    {
        await using var rack = await Rack.CreateAsync(await bare.BuildAsync());
        await rack.WatchAsync(async () =>
        {
            // Too little for the initramfs itself.
            var machine = await rack.StartKernelAsync(Rack.Worker with { MemoryMiB = 80, ExpectsPanic = true });
            await rack.ShowsAsync(machine, "(?s)Kernel panic.*Rebooting in 10 seconds.*Linux version");
        });
    }

    [Fact]
    public async Task Two_NICs_with_only_the_second_cabled_boot_by_the_second()
    {
        await using var rack = await Rack.CreateAsync(await bare.BuildAsync());
        await rack.WatchAsync(async () =>
        {
            // By the firmware, which has to find the right one too.
            var machine = await rack.PowerOnAsync(Rack.Worker with
            {
                Nics = [new VirtualNic("52:54:00:aa:00:03", Cabled: false), new VirtualNic("52:54:00:aa:00:04")],
            });
            var (boot, _) = await rack.TellsAsync(machine);
            Assert.Equal("52:54:00:aa:00:04", boot.GetProperty("network").GetProperty("mac").GetString());
        });
    }
}

using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A boot loader whose server goes away under it: nobody stands at its console, so it begins again by itself.</summary>
public sealed class LoaderTests(BareRelease bare)
{
    [Fact]
    public async Task A_silent_download_of_lpxelinux_is_given_up_and_begun_again()
    {
        await using var rack = await Rack.CreateAsync(await bare.BuildAsync());
        await rack.WatchAsync(async () =>
        {
            var machine = await rack.PowerOnAsync(Rack.Worker with { Firmware = Firmware.Bios });
            await rack.ShowsAsync(machine, "Loading http://.*vmlinuz");
            // Its connections stay, and nothing comes over them any more.
            await rack.Controller.SignalAsync("STOP");
            // On a busy host the kernel may have come whole by then: of the next file there is not a byte, and no count of them. Or the
            // server fell silent before it answered: the menu asks again.
            await rack.ShowsAsync(machine, "The connection broke .* after [0-9]+ of [0-9]+ bytes|Boot failed: .* wait for reset"
                + @"|vmlinuz\.\.\. failed: ");
            await rack.Controller.SignalAsync("CONT");
            await rack.ShowsAsync(machine, "Linux version");
        });
    }

    [Theory]
    [InlineData(Firmware.Bios, "(?s)Loading http://.*vmlinuz.*failed: ")]
    [InlineData(Firmware.Uefi, "could not be loaded; this machine begins again in 20 s")]
    public async Task A_server_that_refuses_the_loader_is_asked_again(Firmware firmware, string says)
    {
        // Firmware and loader twice, beside others: two minutes, and once over ten.
        await using var rack = await Rack.CreateAsync(await bare.BuildAsync(), minutes: 20, menuSeconds: 15, name: "Refused" + firmware);
        await rack.WatchAsync(async () =>
        {
            var machine = await rack.PowerOnAsync(Rack.Worker with { Firmware = firmware });
            await rack.ShowsAsync(machine, "Memory test");
            rack.Controller.Kill();
            await rack.ShowsAsync(machine, says);
            await rack.Controller.RunAsync(rack.Over);
            await rack.ShowsAsync(machine, "Linux version");
        });
    }
}

using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>An entry of the boot menu that somebody at the keyboard chooses, and what the console then shows.</summary>
public sealed record MenuEntry(string Name, int Downs, string Shows);

/// <summary>The entries beside the first of one firmware's menu.</summary>
public sealed record MenuScenario(Firmware Firmware, IReadOnlyList<MenuEntry> Entries)
{
    public override string ToString() => Firmware.ToString();
}

/// <summary>Each entry of the menu beside the first, chosen by real keys in real boot loaders.</summary>
public sealed class MenuTests(BareRelease bare)
{
    private const string Older = "0.0.1-older", LocalDisk = "BOOTED FROM THE LOCAL DISK";

    private static MenuEntry Previous => new("previous", 1, $"manifest: done .*release {Older}");
    private static MenuEntry MemoryTest => new("memory-test", 2, "Memtest86");

    public static TheoryData<MenuScenario> Scenarios => new(
        new MenuScenario(Firmware.Bios, [Previous, MemoryTest, new MenuEntry("local-disk", 3, LocalDisk)]),
        new MenuScenario(Firmware.Uefi, [Previous, MemoryTest]));

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task An_entry_that_is_chosen_is_started(MenuScenario scenario)
    {
        var release = await bare.BuildAsync();
        await using var rack = await Rack.CreateAsync(release, minutes: 8, menuSeconds: 30, name: "Menu" + scenario.Firmware);
        await rack.WatchAsync(async () =>
        {
            await rack.Controller.PublishAsync(Older, new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), rack.Over);
            await rack.Controller.WaitForReleaseAsync(Older, rack.Over);
            foreach (var entry in scenario.Entries)
            {
                using var machine = await rack.PowerOnAsync(Rack.Worker with
                {
                    Name = entry.Name, Firmware = scenario.Firmware, Disks = [new VirtualDisk("LOCAL", LocalBootDisk(rack))],
                });
                await rack.ShowsAsync(machine, "Previous release");
                await machine.PressAsync([.. Enumerable.Repeat("down", entry.Downs), "ret"]);
                await rack.ShowsAsync(machine, entry.Shows);
            }
        });
    }

    /// <summary>A disk whose boot sector writes a line to the first serial port and halts.</summary>
    private static string LocalBootDisk(Rack rack)
    {
        var path = rack.NewDisk("local");
        byte[] code =
        [
            0xFA, 0x31, 0xC0, 0x8E, 0xD8, 0xBE, 0x20, 0x7C, // cli; xor ax,ax; mov ds,ax; mov si,7c20h
            0xBA, 0xF8, 0x03,                               // mov dx,3f8h
            0xAC, 0x08, 0xC0, 0x74, 0x03, 0xEE, 0xEB, 0xF8, // lodsb; or al,al; jz +3; out dx,al; jmp -8
            0xF4, 0xEB, 0xFD,                               // hlt; jmp -3
        ];
        var sector = new byte[512];
        code.CopyTo(sector, 0);
        System.Text.Encoding.ASCII.GetBytes(LocalDisk + "\r\n").CopyTo(sector, 0x20);
        (sector[510], sector[511]) = (0x55, 0xAA);
        using var file = File.OpenWrite(path);
        file.Write(sector);
        return path;
    }
}

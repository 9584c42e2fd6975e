using System.Text.RegularExpressions;

namespace Operos.Lab.Tests;

/// <summary>A guest that counts in its memory and says each number on its console: saved, woken, woken again, started again.</summary>
public sealed class SavedMachineTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly LabFolder folder = Make("original"), first = Make("first"), second = Make("second");

    /// <summary>
    /// 16-bit code: writes <c>!</c> to the first serial port, sets the word at 0x600 to 0, then for each tick of the timer adds 1 to it and
    /// writes it as four letters from a to p.
    /// </summary>
    private static readonly byte[] Counter =
    [
        0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xD0, 0xBC, 0x00, 0x7C, 0xA3, 0x00, 0x06,
            // xor ax,ax; mov ds,ax; mov ss,ax; mov sp,7c00h; mov [600],ax
        0xB0, 0x21, 0xE8, 0x22, 0x00,                                           // mov al,'!'; call put
        0xFF, 0x06, 0x00, 0x06, 0x8B, 0x1E, 0x00, 0x06, 0xB9, 0x04, 0x00,       // next: inc word [600h]; mov bx,[600h]; mov cx,4
        0xC1, 0xC3, 0x04, 0x88, 0xD8, 0x24, 0x0F, 0x04, 0x61,                   // digit: rol bx,4; mov al,bl; and al,0fh; add al,'a'
        0xE8, 0x0B, 0x00, 0xE2, 0xF2, 0xB0, 0x0A, 0xE8, 0x04, 0x00,             // call put; loop digit; mov al,'\n'; call put
        0xFB, 0xF4, 0xEB, 0xDE,                                                 // sti; hlt; jmp next
        0xBA, 0xF8, 0x03, 0xEE, 0xC3,                                           // put: mov dx,3f8h; out dx,al; ret
    ];

    [Fact]
    public async Task Copies_go_on_where_it_was_saved_each_by_itself_and_start_again_as_ordinary_machines()
    {
        using var memory = MemoryFile.Create(folder.Path, 64);
        using var original = await StartAsync(Machine(memory), folder);
        await original.Console.WaitForAsync("^!?aaae$", Patience, default);
        await original.PauseAsync(default);
        using var saved = await original.SaveAsync(default);
        var last = Numbers(original)[^1];

        foreach (var copyFolder in (LabFolder[])[first, second])
        {
            using var copy = await StartAsync(await saved.CopyAsync(copyFolder, savable: false, default), copyFolder);
            await copy.ResumeAsync(default);
            await copy.Console.WaitForAsync("^[a-p]{4}$", Patience, default);
            Assert.InRange(Numbers(copy)[0], last, last + 1);
            Assert.DoesNotContain("!", copy.Console.Text, StringComparison.Ordinal);

            copy.Console.Mark();
            await copy.CommandAsync("system_reset", null, default);
            await copy.Console.WaitForAsync("!aaab", Patience, default);
        }
    }

    [Fact]
    public async Task A_copy_can_be_saved_in_its_turn_and_its_origin_stays_as_it_was()
    {
        using var memory = MemoryFile.Create(folder.Path, 64);
        using var original = await StartAsync(Machine(memory), folder);
        await original.Console.WaitForAsync("^!?aaab$", Patience, default);
        await original.PauseAsync(default);
        using var saved = await original.SaveAsync(default);

        using var copy = await StartAsync(await saved.CopyAsync(first, savable: true, default), first);
        await copy.ResumeAsync(default);
        await copy.Console.WaitForAsync("(?s)^[a-p]{4}$.*^[a-p]{4}$.*^[a-p]{4}$", Patience, default);
        await copy.PauseAsync(default);
        using var later = await copy.SaveAsync(default);
        foreach (var (origin, number, copyFolder) in new[]
            { (later, Numbers(copy)[^1], second), (saved, Numbers(original)[^1], Make("third")) })
        {
            using var woken = await StartAsync(await origin.CopyAsync(copyFolder, savable: false, default), copyFolder);
            await woken.ResumeAsync(default);
            await woken.Console.WaitForAsync("^[a-p]{4}$", Patience, default);
            Assert.InRange(Numbers(woken)[0], number, number + 1);
            copyFolder.Dispose();
        }
    }

    [Fact]
    public void Memory_has_no_name_and_is_gone_when_it_is_let_go()
    {
        string path;
        using (var memory = MemoryFile.Create(folder.Path, 64))
        {
            path = memory.Path;
            using (var opened = File.OpenRead(path)) Assert.Equal(64 << 20, opened.Length);
            Assert.EndsWith(" (deleted)", new FileInfo(path).LinkTarget, StringComparison.Ordinal);
        }
        Assert.False(File.Exists(path));
    }

    public void Dispose()
    {
        foreach (var each in (LabFolder[])[folder, first, second]) each.Dispose();
    }

    private static LabFolder Make(string name) => LabFolder.Create(Path.Combine(AppContext.BaseDirectory, "saved"), name);

    private VirtualMachineOptions Machine(MemoryFile memory) =>
        new() { Name = "counter", MemoryMiB = 64, BootsFromDisk = true, Disks = [new VirtualDisk("COUNTER", Disk())], Memory = memory };

    /// <summary>A sector to boot; SeaBIOS starts no disk that is as small as one sector.</summary>
    private string Disk()
    {
        var sector = new byte[1 << 20];
        Counter.CopyTo(sector, 0);
        (sector[510], sector[511]) = (0x55, 0xAA);
        File.WriteAllBytes(folder["counter.img"], sector);
        return folder["counter.img"];
    }

    private static async Task<VirtualMachine> StartAsync(VirtualMachineOptions options, LabFolder folder) =>
        await VirtualMachine.StartAsync(options, await LabNetwork.CreateAsync(folder, null, default), folder, default);

    /// <summary>What it counted so far; a number that is cut off does not count.</summary>
    private static IReadOnlyList<int> Numbers(VirtualMachine machine) =>
        [.. Regex.Matches(machine.Console.Text, "^!?([a-p]{4})$", RegexOptions.Multiline)
            .Select(match => match.Groups[1].Value.Aggregate(0, (sum, letter) => sum * 16 + letter - 'a'))];
}

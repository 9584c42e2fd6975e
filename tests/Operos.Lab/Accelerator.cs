using System.Diagnostics;

namespace Operos.Lab;

/// <summary>KVM where it really runs a guest, else QEMU's own translation: a device file alone proves nothing.</summary>
internal static class Accelerator
{
    private const string Translation = "tcg,thread=multi,tb-size=2047";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly SemaphoreSlim Gate = new(1, 1);
    private static string? chosen;

    public static async Task<string> ChooseAsync(CancellationToken cancellationToken)
    {
        await Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try { return chosen ??= await WorksAsync(cancellationToken).ConfigureAwait(false) ? "kvm" : Translation; }
        finally { Gate.Release(); }
    }

    /// <summary>Boots a sector that enters long mode and leaves by the debug port; a host that cannot hangs there or faults.</summary>
    private static async Task<bool> WorksAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists("/dev/kvm")) return false;
        var sector = Path.Combine(Path.GetTempPath(), $"operos-kvm-{Environment.ProcessId}.img");
        await File.WriteAllBytesAsync(sector, LongModeSector(), cancellationToken).ConfigureAwait(false);
        try
        {
            using var process = Process.Start(new ProcessStartInfo("qemu-system-x86_64",
                ["-accel", "kvm", "-cpu", "max", "-m", "32", "-nodefaults", "-display", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-drive", $"file={sector},format=raw"])
            { RedirectStandardError = true, RedirectStandardOutput = true })!;
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(Patience);
            try { await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false); }
            catch (OperationCanceledException)
            {
                process.Kill();
                cancellationToken.ThrowIfCancellationRequested();
                return false;
            }
            // isa-debug-exit: (value << 1) | 1.
            return process.ExitCode == (0x31 << 1 | 1);
        }
        finally { File.Delete(sector); }
    }

    /// <summary>16-bit code that maps the first 2 MiB at 0x1000-0x3fff, enters long mode and writes 0x31 to port 0xf4.</summary>
    private static byte[] LongModeSector()
    {
        byte[] code =
        [
            0xFA, 0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0,                         // cli; xor ax,ax; mov ds,ax; mov es,ax
            0xBF, 0x00, 0x10, 0xB9, 0x00, 0x18, 0xF3, 0xAB,                   // mov di,1000h; mov cx,1800h; rep stosw
            0xC7, 0x06, 0x00, 0x10, 0x03, 0x20,                               // mov word [1000h],2003h
            0xC7, 0x06, 0x00, 0x20, 0x03, 0x30,                               // mov word [2000h],3003h
            0xC7, 0x06, 0x00, 0x30, 0x83, 0x00,                               // mov word [3000h],0083h
            0x66, 0xB8, 0x00, 0x10, 0x00, 0x00, 0x0F, 0x22, 0xD8,             // mov eax,1000h; mov cr3,eax
            0x0F, 0x20, 0xE0, 0x66, 0x83, 0xC8, 0x20, 0x0F, 0x22, 0xE0,       // mov eax,cr4; or eax,20h; mov cr4,eax
            0x66, 0xB9, 0x80, 0x00, 0x00, 0xC0, 0x0F, 0x32,                   // mov ecx,c0000080h; rdmsr
            0x66, 0x0D, 0x00, 0x01, 0x00, 0x00, 0x0F, 0x30,                   // or eax,100h; wrmsr
            0x0F, 0x01, 0x16, 0x70, 0x7C,                                     // lgdt [7c70h]
            0x0F, 0x20, 0xC0, 0x66, 0x0D, 0x01, 0x00, 0x00, 0x80, 0x0F, 0x22, 0xC0, // mov eax,cr0; or eax,80000001h; mov cr0,eax
            0xEA, 0x60, 0x7C, 0x08, 0x00,                                     // jmp 08h:7c60h
        ];
        var sector = new byte[512];
        code.CopyTo(sector, 0);
        byte[] longMode = [0xB0, 0x31, 0xE6, 0xF4, 0xF4, 0xEB, 0xFD];         // mov al,31h; out f4h,al; hlt; jmp $-1
        longMode.CopyTo(sector, 0x60);
        byte[] table = [0x17, 0x00, 0x78, 0x7C, 0x00, 0x00];                  // limit, base 7c78h
        table.CopyTo(sector, 0x70);
        byte[] codeSegment = [0xFF, 0xFF, 0x00, 0x00, 0x00, 0x9A, 0xAF, 0x00];
        codeSegment.CopyTo(sector, 0x80);
        (sector[510], sector[511]) = (0x55, 0xAA);
        return code.Length <= 0x60 ? sector : throw new InvalidOperationException("the boot sector's code overlaps its long mode part");
    }
}

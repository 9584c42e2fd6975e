using System.Diagnostics;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>
/// The controller's boot partition, FAT as images/disk.sh makes it, under the kernel's own driver: a kernel as a process (user-mode Linux)
/// that has this host's files, and whose power is cut.
/// </summary>
public sealed class BootPartitionTests
{
    /// <summary>Each system call of a kernel in user mode is two of the host's: it takes its time beside two hundred workers.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task A_power_cut_right_after_a_release_key_was_added_leaves_the_controller_an_anchor_to_boot_with()
    {
        var build = new Build();
        using var folder = LabFolder.Create(Path.Combine(build.Out, "test"), "net-boot-partition");
        await Shell.RunAsync(build.Binary("operos-controller"),
            [
                "setup", "--dir", folder["setup"], "--address", $"{NativeController.Address}/24", "--release-key", build.ReleasePublicKey,
                "--admission", "approve", "--dhcp-mode", "off",
            ], default);
        await Shell.RunAsync(build.Binary("operosctl"), ["release", "keygen", "--dir", folder["next"]], default);
        foreach (var name in (string[])["mnt", "releases"]) Directory.CreateDirectory(folder[name]);
        var before = await File.ReadAllBytesAsync(folder["setup/anchor.cpio"]);
        await ShellAsync($"""
            truncate -s 40M '{folder["esp"]}' && mkfs.vfat -F 32 '{folder["esp"]}'
            mmd -i '{folder["esp"]}' ::operos ::operos/1.0
            mcopy -i '{folder["esp"]}' '{folder["setup/anchor.cpio"]}' ::operos/1.0/
            """);

        await BootAsync(folder, $"""
            mount -t vfat -o iocharset=iso8859-1 /dev/ubda '{folder["mnt"]}'
            '{build.Binary("operos-controller")}' release-keys add '{folder["next/release.pub"]}' \
                --state '{folder["setup/state"]}' --releases '{folder["releases"]}' --esp '{folder["mnt"]}'
            """);

        var (served, own) = (await File.ReadAllBytesAsync(folder["setup/state/anchor.cpio"]), folder["own.cpio"]);
        Assert.NotEqual(before, served);
        await ShellAsync($"mcopy -n -i '{folder["esp"]}' ::operos/1.0/anchor.cpio '{own}'");
        Assert.Equal(served, await File.ReadAllBytesAsync(own));
    }

    /// <summary>Runs a script as the first process of a kernel, and cuts its power as soon as it has ended.</summary>
    private static async Task BootAsync(LabFolder folder, string script)
    {
        // A first process that ends is a panic, at which nothing more is written.
        await File.WriteAllTextAsync(folder["init"], $"""
            #!/bin/bash
            exec > '{folder["init.log"]}' 2>&1
            set -euxo pipefail
            export PATH=/usr/sbin:/usr/bin:/sbin:/bin
            mount -t proc proc /proc
            for module in nls/nls_cp437 nls/nls_iso8859-1 fat/fat fat/vfat; do insmod /usr/lib/uml/modules/*/kernel/fs/$module.ko; done
            {script}
            echo done
            """);
        File.SetUnixFileMode(folder["init"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string[] arguments =
        [
            "mem=512M", $"ubd0s={folder["esp"]}", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", $"init={folder["init"]}",
            "con=null", "con0=null,fd:2", "ssl=null",
        ];
        // Without a terminal, or it stops itself to ask for one.
        var command = $"exec setsid linux.uml \"$@\" </dev/null >'{folder["kernel.log"]}' 2>&1";
        using var kernel = Process.Start("sh", ["-c", command, "sh", .. arguments]);
        folder.NoteProcess(kernel.Id);
        try
        {
            await Wait.UntilAsync("the kernel's first process has ended", Patience,
                () => Task.FromResult(kernel.HasExited || Said(folder).EndsWith("done\n", StringComparison.Ordinal)));
        }
        finally
        {
            kernel.Kill(entireProcessTree: true);
            await kernel.WaitForExitAsync();
        }
        Assert.EndsWith("done\n", Said(folder), StringComparison.Ordinal);
    }

    /// <summary>What the script has said until now.</summary>
    private static string Said(LabFolder folder) => File.Exists(folder["init.log"]) ? File.ReadAllText(folder["init.log"]) : "";

    private static Task<string> ShellAsync(string script) => Shell.RunAsync("env", ["MTOOLS_SKIP_CHECK=1", "sh", "-ec", script], default);
}

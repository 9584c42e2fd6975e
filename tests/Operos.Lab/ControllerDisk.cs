namespace Operos.Lab;

/// <summary>The disk of a controller as an operator makes it: set up, then written by <c>images/disk.sh</c>.</summary>
public sealed class ControllerDisk
{
    public const string Address = "10.77.0.1";

    private ControllerDisk(string image, string admin, SshKey sshKey) => (Image, Admin, SshKey) = (image, admin, sshKey);

    public string Image { get; }
    /// <summary>The operator's credentials, for operosctl's <c>--config</c>.</summary>
    public string Admin { get; }
    /// <summary>Of who may log in on every machine.</summary>
    public SshKey SshKey { get; }

    public static async Task<ControllerDisk> MakeAsync(Build build, LabFolder folder, CancellationToken cancellationToken)
    {
        var key = await SshKey.MakeAsync(folder, cancellationToken).ConfigureAwait(false);
        var disk = new ControllerDisk(folder["controller.img"], folder["setup/admin"], key);
        await File.WriteAllTextAsync(folder["extra.toml"], $"[boot]\nkernel-arguments = \"{Build.GuestArguments}\"\n",
            cancellationToken).ConfigureAwait(false);
        await Shell.RunAsync(build.Binary("operos-controller"),
            ["setup", "--dir", folder["setup"], "--address", $"{Address}/24", "--release-key", build.ReleasePublicKey, "--admission",
                "auto", "--dhcp-range", NativeController.Range, "--authorized-keys", key.PublicKey, "--extra-config", folder["extra.toml"]],
            cancellationToken).ConfigureAwait(false);
        await Shell.RunAsync(Path.Combine(build.Root, "images/disk.sh"),
            ["--release", build.Release, "--setup", folder["setup"], "--loaders", build.Loaders, "--out", disk.Image, "--console",
                $"console=tty0 console=ttyS0,115200 {Build.GuestArguments}"], cancellationToken).ConfigureAwait(false);
        return disk;
    }

    /// <summary>The machine that boots from it.</summary>
    public VirtualMachineOptions Machine => new()
    {
        Name = "controller", Firmware = Firmware.Uefi, MemoryMiB = 3072, BootsFromDisk = true,
        Uuid = "0f2c6d1e-7a51-4e0b-8a3d-9d0c5b1e0001",
        Nics = [new VirtualNic("52:54:00:77:00:01")], Disks = [new VirtualDisk("OPEROS-CONTROLLER", Image)],
    };
}

using Operos.Lab;

[assembly: AssemblyFixture(typeof(Operos.Qemu.Tests.BareRelease))]

namespace Operos.Qemu.Tests;

/// <summary>
/// The release under test with other layers: its system is one script that tells the boot record and the inventory on the console.
/// Kernel, initramfs and all that operos-init does are the same; what is left out is 170 MB to hash and a systemd to start, which say
/// nothing about them.
/// </summary>
public sealed class BareRelease : IDisposable
{
    private readonly Lazy<Task<Build>> made = new(MakeAsync);

    /// <summary>Made when first asked for, then the same for all tests of this run.</summary>
    public Task<Build> BuildAsync() => made.Value;

    private static string Folder(Build real) => Path.Combine(real.Out, "test/bare-release");

    private static async Task<Build> MakeAsync()
    {
        var real = new Build();
        var folder = Path.Combine(Folder(real), Path.GetFileName(real.Release));
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        foreach (var name in (string[])["vmlinuz", "initramfs.img"])
            File.Copy(Path.Combine(real.Release, name), Path.Combine(folder, name));
        await Shell.RunAsync(Path.Combine(real.Root, "tests/Operos.Qemu.Tests/bare-layers.sh"),
            ["--roots", Path.Combine(real.Out, "images/roots"), "--worker", real.Binary("operos-worker"), "--out", folder], default);
        var kernel = await File.ReadAllTextAsync(Path.Combine(real.Out, "initramfs/kernel-release"));
        await Shell.RunAsync(real.Binary("operosctl"),
            ["release", "build", "--dir", folder, "--key", real.ReleaseKey,
                "--version", Path.GetFileName(folder), "--kernel-release", kernel.Trim()], default);
        return new Build { Release = folder };
    }

    public void Dispose()
    {
        if (made.IsValueCreated && Directory.Exists(Folder(new Build()))) Directory.Delete(Folder(new Build()), recursive: true);
    }
}

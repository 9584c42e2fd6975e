using Microsoft.Extensions.Logging.Abstractions;
using Operos.Controller.Boot;
using Operos.Release.Publishing;

namespace Operos.Controller.Tests;

/// <summary>A store with one small signed release, and a predecessor.</summary>
internal sealed class TestReleases : IDisposable
{
    public const string Current = "2.0", Previous = "1.0";
    private readonly string folder = Directory.CreateTempSubdirectory("operos-releases-").FullName;

    public TestReleases()
    {
        var keys = Path.Combine(folder, "keys");
        ReleaseKey.Generate(keys);
        foreach (var (version, days) in (ReadOnlySpan<(string, int)>)[(Previous, 1), (Current, 2)])
        {
            var release = Directory.CreateDirectory(Path.Combine(folder, "releases", version)).FullName;
            foreach (var name in (string[])["vmlinuz", "initramfs.img", "base.squashfs", "node.squashfs", "worker.squashfs",
                "controller.squashfs"]) File.WriteAllText(Path.Combine(release, name), name + version);
            ReleaseFolder.Build(release, version, version, "6.12.0-test", DateTimeOffset.UnixEpoch.AddDays(days),
                File.ReadAllText(Path.Combine(keys, ReleaseKey.PrivateName)));
        }
        Store = new ReleaseStore(Path.Combine(folder, "releases"), Path.Combine(keys, ReleaseKey.PublicName), null,
            NullLogger<ReleaseStore>.Instance);
        Store.Scan();
    }

    public ReleaseStore Store { get; }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}

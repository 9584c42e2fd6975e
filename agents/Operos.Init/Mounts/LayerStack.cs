using Operos.Linux;
using static Operos.Linux.Mounts;

namespace Operos.Init.Mounts;

/// <summary>Layers as loop-mounted SquashFS, and the overlay over them that becomes the root.</summary>
internal static class LayerStack
{
    public const string Root = "/sysroot";
    private const string LayerFolder = "/run/operos/layers";

    /// <summary>Named one by one, so that no kernel's default decides (upgrades of the lower layers must stay possible).</summary>
    private const string OverlayOptions = "index=off,metacopy=off,redirect_dir=off,nfs_export=off,xino=off";

    /// <param name="images">Each layer's name and image, lowest first.</param>
    /// <param name="upperFolder">Holds <c>upper</c> and <c>work</c>, made where missing.</param>
    public static void Mount(IReadOnlyList<(string Name, string Image)> images, string upperFolder)
    {
        var lower = new List<string>();
        foreach (var (name, image) in images)
        {
            var target = Path.Combine(LayerFolder, name);
            Directory.CreateDirectory(target);
            using var loop = LoopDevice.Attach(image, out var device);
            Operos.Linux.Mounts.Mount(device, target, "squashfs", MountFlags.ReadOnly);
            lower.Insert(0, target);
        }
        var upper = Directory.CreateDirectory(Path.Combine(upperFolder, "upper")).FullName;
        var work = Directory.CreateDirectory(Path.Combine(upperFolder, "work")).FullName;
        Directory.CreateDirectory(Root);
        Operos.Linux.Mounts.Mount("overlay", Root, "overlay", MountFlags.None,
            $"lowerdir={string.Join(':', lower)},upperdir={upper},workdir={work},{OverlayOptions}");
    }
}

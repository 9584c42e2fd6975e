using Operos.Ceph.Pools;
using Operos.Csi.Protocol;
using Operos.Csi.Volumes;
using Operos.Linux;
using Operos.Storage.Contents;

namespace Operos.Csi.Calls;

/// <summary>Reads what the kubelet asks for. What is not understood is refused, and never passed on.</summary>
internal sealed class RequestReader(CsiPaths paths)
{
    private const int LongestPath = 1024;
    /// <summary>What a volume's <c>mountOptions</c> may say: the rest decides what data survives, or what the kernel trusts.</summary>
    private static readonly IReadOnlyList<string> Options = ["noatime", "nodiratime", "relatime", "lazytime", "sync", "dirsync"];

    /// <returns>The image's name, which the volume's handle is.</returns>
    /// <exception cref="VolumeException">It is none of ours.</exception>
    public static string Volume(string id) =>
        ImageName.IsValid(id) ? id : throw new VolumeException(VolumeProblem.Request,
            id.Length == 0 ? "no volume is named" : "it is no volume of this driver");

    /// <returns>The path.</returns>
    /// <exception cref="VolumeException">It is not below the kubelet's folder.</exception>
    public string Path(string path, string what)
    {
        if (path.Length == 0) throw new VolumeException(VolumeProblem.Request, $"no {what} is named");
        return path.Length <= LongestPath && path.StartsWith(paths.Kubelet + "/", StringComparison.Ordinal)
            && System.IO.Path.GetFullPath(path) == path && !path.Contains('\0', StringComparison.Ordinal)
                ? path : throw new VolumeException(VolumeProblem.Request, $"the {what} is not below {paths.Kubelet}");
    }

    /// <exception cref="VolumeException">It is none that images can be used in.</exception>
    public static VolumeUse Use(VolumeCapability? capability, bool isReadOnly = false)
    {
        if (capability is null) throw new VolumeException(VolumeProblem.Request, "it is not said how the volume is used");
        if (capability.AccessMode?.Mode is not (VolumeCapability.Types.AccessMode.Types.Mode.SingleNodeWriter
            or VolumeCapability.Types.AccessMode.Types.Mode.SingleNodeReaderOnly))
            throw new VolumeException(VolumeProblem.Request, "a volume of this driver is used on one machine at a time (ReadWriteOnce)");
        isReadOnly |= capability.AccessMode.Mode == VolumeCapability.Types.AccessMode.Types.Mode.SingleNodeReaderOnly;
        switch (capability.AccessTypeCase)
        {
            case VolumeCapability.AccessTypeOneofCase.Block: return new VolumeUse(true, isReadOnly, []);
            case VolumeCapability.AccessTypeOneofCase.Mount when capability.Mount.FsType is not ("" or FileSystem.Type):
                throw new VolumeException(VolumeProblem.Request, $"volumes of this driver have {FileSystem.Type} alone");
            case VolumeCapability.AccessTypeOneofCase.Mount when capability.Mount.MountFlags.FirstOrDefault(one => !Options.Contains(one))
                is { } other:
                throw new VolumeException(VolumeProblem.Request,
                    $"the mount option \"{PrintableText.Line(other)}\" is none of {string.Join(", ", Options)}");
            case VolumeCapability.AccessTypeOneofCase.Mount: return new VolumeUse(false, isReadOnly, [.. capability.Mount.MountFlags]);
            default: throw new VolumeException(VolumeProblem.Request, "it is not said whether the volume is a file system or a device");
        }
    }
}

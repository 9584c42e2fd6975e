using System.Globalization;
using Operos.Linux;

namespace Operos.Csi.Rbd;

/// <summary>An image that the kernel has mapped.</summary>
/// <param name="Id">The kernel's number of it: <c>/dev/rbdN</c>.</param>
/// <param name="Fsid">Of its cluster.</param>
/// <param name="Address">Of the kernel's client, as monitors and OSDs know it: <c>IP:PORT/NONCE</c>.</param>
public sealed record RbdDevice(int Id, Guid Fsid, string Pool, string Image, string Address, string Path)
{
    /// <summary>As mountinfo has it; null where it is gone.</summary>
    public string? Number => BlockDevice.NumberOf(Path);

    /// <summary>What the device's size is now.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public long Bytes
    {
        get
        {
            using var device = BlockDevice.Open(Path);
            return device.Bytes;
        }
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Path} ({Pool}/{Image})");
}

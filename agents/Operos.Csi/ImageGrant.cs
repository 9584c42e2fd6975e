using Operos.Ceph;

namespace Operos.Csi;

/// <summary>What the controller lets this machine map.</summary>
/// <param name="User">Without <c>client.</c></param>
/// <param name="Bytes">The image's size, as the controller has it.</param>
public sealed record ImageGrant(MonitorMap Map, string Pool, string Image, string User, CephKey Key, long Bytes);

/// <summary>
/// The controller's part: it knows which machine has which volume, and lets no second one have it. All of it may be asked again.
/// </summary>
public interface IImageGrants
{
    /// <summary>The controller as it is connected now, another one with each connection; null while none is.</summary>
    object? Session { get; }

    /// <exception cref="VolumeException">Another machine has it, there is none such, or the controller does not answer.</exception>
    Task<ImageGrant> TakeAsync(string volume, CancellationToken cancellationToken);

    /// <summary>Tells it by which addresses this machine reaches the image: what is shut out where the machine is given up.</summary>
    /// <exception cref="VolumeException">The controller does not answer.</exception>
    Task TellAsync(string volume, IReadOnlyList<string> addresses, CancellationToken cancellationToken);

    /// <summary>This machine has it no more.</summary>
    /// <exception cref="VolumeException">The controller does not answer.</exception>
    Task ReturnAsync(string volume, CancellationToken cancellationToken);
}

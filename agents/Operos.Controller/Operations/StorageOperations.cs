using Operos.Controller.Storage;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>How the cluster's storage stands, in words.</summary>
internal sealed class StorageStatus(RackStorage storage) : Reading<ShowStorage>("storage status")
{
    protected override Message Read(ShowStorage input, Caller caller) => storage.Views.Status();
}

/// <summary>Every OSD, where it is and how it stands.</summary>
internal sealed class OsdListing(RackStorage storage) : Reading<ListOsds>("storage osd list")
{
    protected override Message Read(ListOsds input, Caller caller) => storage.Views.Osds();
}

/// <summary>The volumes of the pool, and which machine has each.</summary>
internal sealed class VolumeListing(RackStorage storage) : Reading<ListVolumes>("volumes list")
{
    protected override Message Read(ListVolumes input, Caller caller) => storage.Volumes.List(input.After);
}

/// <summary>One volume, also as Ceph sees it now.</summary>
internal sealed class VolumeView(RackStorage storage) : Operation("volumes show", OperatorRole.Viewer)
{
    public override Type Input => typeof(ShowVolume);

    public override bool Changes => false;

    public override async Task<Message> RunAsync(Message input, Caller caller, CancellationToken cancellationToken) =>
        await storage.Volumes.ShowAsync(((ShowVolume)input).Volume, cancellationToken).ConfigureAwait(false);
}

/// <summary>Whether a disk, a machine or a rack may go.</summary>
internal sealed class PullQuestion(RackStorage storage) : Operation("safe-to-pull", OperatorRole.Viewer)
{
    public override Type Input => typeof(AskPull);

    public override bool Changes => false;

    public override async Task<Message> RunAsync(Message input, Caller caller, CancellationToken cancellationToken) =>
        await storage.Pulling.AnswerAsync(((AskPull)input).What, cancellationToken).ConfigureAwait(false);
}

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

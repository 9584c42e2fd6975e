using System.CommandLine;
using Operos.Ctl.Rendering;
using Operos.Proto;

namespace Operos.Ctl.Commands;

/// <summary><c>operosctl storage</c>: how Ceph stands, and its OSDs.</summary>
internal static class StorageCommands
{
    public static Command Create()
    {
        var status = new Command("status", "Show how the cluster's storage stands, what is wrong and what to do");
        status.Shows<StorageReply>(_ => new ShowStorage(), reply => StorageTable.Render(reply, DateTimeOffset.UtcNow));
        return new Command("storage", "The cluster's storage (Ceph) on the machines' disks")
        {
            status, OsdCommands.Create(), PoolCommands.Create(),
        };
    }
}

using Operos.Authority;
using Operos.Controller.Connections;
using Operos.Controller.Disks;
using Operos.Controller.Machines;
using Operos.Proto;
using Operos.Storage.Wipes;

namespace Operos.Controller.Operations;

/// <summary>
/// Has a disk erased: an order that the cluster's authority signs, for one machine, one disk and what was seen on it; it counts once, and
/// not for long. The machine looks again before it writes.
/// </summary>
internal sealed class DiskWiping(RackDisks disks, MachineRegistry machines, Sessions sessions, CertificateAuthority authority,
    TimeProvider time) : Operation<OrderWipe>("disks wipe", OperatorRole.Operator)
{
    /// <summary>Machines keep the controller's time.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(2);

    public override bool GivesPower => true;

    protected override IEnumerable<(string Name, string? Value)> Record(OrderWipe input) =>
        [("disk", input.Disk), ("evidence", input.Evidence)];

    protected override async Task<Message> RunAsync(OrderWipe input, Caller caller, CancellationToken cancellationToken)
    {
        if (!DiskWords.IsEvidence(input.Evidence))
            throw new RefusedException(RefusalKind.Invalid, "an order to wipe names what was seen on the disk", "operosctl disks show");
        var entry = disks.Views.Find(input.Disk);
        var (call, disk) = (DiskViews.Call(entry), entry.Disk);
        if (disk.Evidence != input.Evidence && entry.Up)
            throw new RefusedException(RefusalKind.Conflict, $"{call} is not as it was when it was looked at: nothing was wiped",
                $"operosctl disks show {call}, then wipe it again if that is still wanted");
        if (disks.Views.NotWiped(entry) is var (text, hint)) throw new RefusedException(RefusalKind.Conflict, text, hint);
        var now = time.GetUtcNow();
        var order = new WipeOrder
        {
            Id = Guid.NewGuid(), Machine = Guid.Parse(entry.Machine), Disk = disk.Identity, Evidence = disk.Evidence,
            Issued = now, Expires = now + Life,
        };
        machines.Mention(entry.Machine, $"{caller.Name} has disk {disk.Name} ({disk.Identity}) wiped, order {order.Id}");
        var done = await DiskSession.AskAsync(sessions, entry,
            new WipeDisk { Order = order.ToBytes(), Signature = authority.SignOrder(order.Sign) }, cancellationToken).ConfigureAwait(false);
        return new WipeOrdered { Order = order.Id.ToString(), Machine = entry.Machine, Text = $"{call}: {done.Text}" };
    }
}

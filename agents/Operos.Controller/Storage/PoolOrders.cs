using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Ceph.Facts;
using Operos.Ceph.Pools;
using Operos.Proto;

namespace Operos.Controller.Storage;

/// <summary>What operators decide of the pool of volumes; Ceph keeps it with the pool.</summary>
/// <param name="ceph">Null where this cluster has none.</param>
internal sealed class PoolOrders(CephMonitor? ceph, ILogger logger)
{
    private const string Standing = "operosctl storage status";

    /// <returns>What follows, in words.</returns>
    /// <exception cref="RefusedException">It is not done.</exception>
    public async Task<string> SetAsync(SetPool order, string caller, CancellationToken cancellationToken)
    {
        var wanted = new PoolOrder(order.Copies, order.MinSize);
        if (!wanted.IsPossible)
            throw new RefusedException(RefusalKind.Invalid, "a pool keeps 2 or 3 copies, and works with 1 or 2",
                "operosctl storage pool set --copies 3 --min-size 2");
        if (ceph is null) throw new RefusedException(RefusalKind.Conflict, "this cluster has no Ceph", "storage.ceph in controller.toml");
        try { await ceph.OrderAsync(wanted, cancellationToken).ConfigureAwait(false); }
        catch (IOException e) { throw new RefusedException(RefusalKind.Conflict, e.Message, Standing); }
        logger.PoolOrdered(caller, order.Copies, order.MinSize);
        return $"pool {PoolImages.Pool}: " + string.Join("; ", ((string?[])[order.Copies switch
        {
            null => null,
            3 => "3 copies as soon as three machines have disks with the room",
            _ => "2 copies: third ones are removed",
        }, order.MinSize switch
        {
            null => null,
            1 => "written and read with one copy alone while the others are away",
            _ => "neither written nor read while there are fewer than 2 copies",
        }]).OfType<string>()) + $". {Standing} says how it stands";
    }
}

using Microsoft.Extensions.Logging;
using Operos.Ceph;
using Operos.Controller.Machines;

namespace Operos.Controller.Storage;

/// <summary>
/// Takes from machines that an operator removed the users as whom they mapped images. A monitor that does not answer when a machine is
/// removed is asked until it has; one of a machine that had none is asked once in the life of this agent.
/// </summary>
internal sealed class RemovedUsers(CephMonitor ceph, MachineRegistry machines, ILogger logger)
{
    private static readonly TimeSpan Check = TimeSpan.FromSeconds(2), Retry = TimeSpan.FromSeconds(15);

    private readonly HashSet<string> done = new(StringComparer.Ordinal);
    private string? told;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
            await Task.Delay(await PassAsync(cancellationToken).ConfigureAwait(false) ? Check : Retry, cancellationToken)
                .ConfigureAwait(false);
    }

    /// <returns>Whether none of them has a user any more.</returns>
    internal async Task<bool> PassAsync(CancellationToken cancellationToken)
    {
        // One that was let in again, and is removed again, has another user.
        done.RemoveWhere(machine => !machines.WasRemoved(machine));
        foreach (var machine in machines.Removed.Where(machine => !done.Contains(machine)))
        {
            try
            {
                if (Guid.TryParseExact(machine, "D", out var id)) await ceph.RemoveUserAsync(id, cancellationToken).ConfigureAwait(false);
                done.Add(machine);
                told = null;
            }
            catch (IOException e)
            {
                if (told != e.Message) logger.UserNotRemoved(machine, e.Message);
                told = e.Message;
                return false;
            }
        }
        return true;
    }
}

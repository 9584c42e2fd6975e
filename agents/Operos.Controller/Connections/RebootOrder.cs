using Microsoft.Extensions.Logging;
using Operos.Controller.Machines;

namespace Operos.Controller.Connections;

/// <summary>Tells machines to reboot, and keeps in mind that they were told: then their return is no surprise.</summary>
internal sealed class RebootOrder(MachineRegistry machines, Sessions sessions, TimeProvider time, ILogger<RebootOrder> logger)
{
    /// <summary>A machine that was told to, and has not booted since, is not told again without force.</summary>
    /// <exception cref="RefusedException">It was.</exception>
    public void RequireNone(MachineRecord machine)
    {
        if (!machine.IsRebooting(time.GetUtcNow())) return;
        throw new RefusedException(RefusalKind.Conflict, $"{machine.Name ?? machine.Id} is rebooting already: {machine.RebootOrdered}",
            $"operosctl machines show {machine.Id} says how far it is; --force tells it once more");
    }

    /// <summary>Whether a machine was told to, as far as it is written down, and has not booted since.</summary>
    public bool WasGiven(string machine) => machines.Get(machine)?.RebootOrdered is not null;

    /// <summary>What became of the order, in words that follow the machine's name.</summary>
    /// <exception cref="RefusedException">It is not connected, or its agent says no.</exception>
    public async Task<string> GiveAsync(string machine, string by, CancellationToken cancellationToken)
    {
        if (sessions.Get(machine) is null) throw NotConnected(machine);
        // Written before it is asked for: what comes back then is expected, whatever happens to this controller meanwhile.
        var expected = Note(machine, known => known with { RebootUntil = time.GetUtcNow() + Readmission.RebootWindow, RebootBy = by },
            $"reboot asked for by {by}");
        var said = "reboots";
        try { await sessions.RebootAsync(machine, $"asked for by {by}", cancellationToken).ConfigureAwait(false); }
        // A machine on its way down ends its connection, and its answer may be lost with that: the order is given all the same.
        catch (Exception e) when (e is IOException or TimeoutException or ObjectDisposedException)
        {
            logger.NotAnswered(machine, e.Message);
            said = $"reboots; its agent has not answered, so look whether it does: operosctl machines show {machine}";
        }
        catch (RefusedException e)
        {
            Note(machine, known => known with { RebootUntil = null, RebootBy = null }, $"it does not reboot: {e.Message}");
            throw;
        }
        return expected ? said
            : $"{said}; the controller could not write down that it was told to, so its return raises an alarm: operosctl status";
    }

    public static RefusedException NotConnected(string machine) =>
        new(RefusalKind.Conflict, $"{machine} is not connected", "power-cycle it by hand");

    /// <summary>A disk that cannot be written must not keep a machine from being rebooted.</summary>
    private bool Note(string machine, Func<MachineRecord, MachineRecord> change, string happened)
    {
        try { machines.Update(machine, change, happened); }
        catch (IOException e)
        {
            logger.NotNoted(machine, happened, e.Message);
            return false;
        }
        return true;
    }
}

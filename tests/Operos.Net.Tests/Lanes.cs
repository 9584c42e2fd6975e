[assembly: Xunit.v3.Parallelization(MaxThreads = 8)]

namespace Operos.Net.Tests;

/// <summary>
/// What runs beside what. Tests of a lane come one after the other; the lanes run beside each other, since most of what they take is
/// waiting: for a certificate's end, a server's silence, an operator's word. A class that names none has a lane of its own. Each lab is a
/// world of its own, so that they share nothing but the processors; a rack's workers leave those to the others.
/// </summary>
internal static class Lanes
{
    /// <summary>Firmware, loaders and downloads at a controller.</summary>
    public const string Boot = "boot";

    /// <summary>The cluster's names.</summary>
    public const string Names = "names";

    /// <summary>Single workers.</summary>
    public const string Workers = "workers";

    /// <summary>PID 1's fetch and DHCP client.</summary>
    public const string Clients = "clients";
}

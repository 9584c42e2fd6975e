using System.Net;
using System.Net.NetworkInformation;
using Microsoft.Extensions.Logging;

namespace Operos.Controller.Boot;

/// <summary>
/// The controller's own address, which its network may bring after the agent starts, as at a disk's first boot. Ports are listened on all
/// the same (<see cref="Operos.Boot.TcpPort"/>); that nobody reaches them before is said.
/// </summary>
internal sealed class OwnAddress(IPAddress address, TimeProvider time, ILogger<OwnAddress> logger)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1), Grace = TimeSpan.FromSeconds(3);

    /// <summary>Whether an interface of this machine has it.</summary>
    public static bool IsPresent(IPAddress address) => NetworkInterface.GetAllNetworkInterfaces().Any(card =>
        card.GetIPProperties().UnicastAddresses.Any(own => own.Address.Equals(address)));

    public static string Missing(IPAddress address) =>
        $"no interface of this machine has {address} yet: waits for its network (ip address; network.address in controller.toml)";

    /// <summary>Says that it is waited for, and when it is there.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        for (var (began, said) = (time.GetTimestamp(), false); ; await Task.Delay(Look, time, cancellationToken).ConfigureAwait(false))
        {
            if (IsPresent(address))
            {
                if (said) logger.AddressIsThere(address);
                break;
            }
            if (said || time.GetElapsedTime(began) < Grace) continue;
            logger.AddressIsMissing(Missing(address));
            said = true;
        }
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
    }
}

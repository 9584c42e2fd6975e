using System.Net;
using System.Net.Sockets;
using Operos.Init.Modules;
using Operos.Init.Progress;
using Operos.Init.Settings;
using Operos.Linux;
using Operos.Release;

namespace Operos.Init.Network;

/// <summary>
/// Finds a NIC with a link and an address for it, for ever: drivers may still appear, cables be plugged, a switch learn its
/// tree (IEEE 802.1D: 30 to 50 s), a DHCP server start late.
/// </summary>
internal sealed class NetworkBringUp(BootSettings settings, Coldplug coldplug)
{
    /// <summary>How long the firmware's NIC alone is considered before any other with a link.</summary>
    private static readonly TimeSpan BootNicPreference = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private readonly Dictionary<string, NetworkInterface> up = new(StringComparer.Ordinal);
    private long started;
    private long lastSaid;

    /// <param name="trustLoader">False after the loader's address led nowhere: ask for a lease instead.</param>
    public BootNetwork Run(bool trustLoader)
    {
        started = lastSaid = Environment.TickCount64;
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15));
        while (true)
        {
            coldplug.LoadForDevices();
            RaiseNew();
            foreach (var nic in Candidates())
            {
                if (trustLoader && settings.Address is { } loader && nic.Mac == (settings.BootMac ?? nic.Mac))
                    return Configure(nic, loader.Address, loader.Mask, loader.Gateway, "loader");
                if (TryDhcp(nic) is { } network) return network;
                Say($"no DHCP answer on {nic.Name} ({nic.Mac}); trying again");
            }
            if (!up.Values.Any(nic => nic.HasCarrier))
            {
                Say(up.Count == 0 ? "waiting for a network interface: none found yet"
                    : $"waiting for a link on {string.Join(", ", up.Keys)}: check the cable");
                Thread.Sleep(100);
            }
            else if (Elapsed > BootNicPreference) Thread.Sleep(backoff.Next());
            else Thread.Sleep(100);
        }
    }

    private TimeSpan Elapsed => TimeSpan.FromMilliseconds(Environment.TickCount64 - started);

    private void RaiseNew()
    {
        foreach (var nic in NetworkInterface.Physical())
        {
            if (up.ContainsKey(nic.Name)) continue;
            try { nic.Up(); }
            catch (LinuxException e)
            {
                BootConsole.Warn("network", $"{e.Message}; trying again");
                continue;
            }
            up[nic.Name] = nic;
        }
    }

    /// <summary>NICs with a link; for the first seconds only the one that the firmware booted from.</summary>
    private IEnumerable<NetworkInterface> Candidates()
    {
        var linked = up.Values.Where(nic => nic.HasCarrier).ToList();
        var preferred = linked.Where(nic => nic.Mac == settings.BootMac).ToList();
        return preferred.Count > 0 || (settings.BootMac is not null && Elapsed < BootNicPreference)
            ? preferred.Concat(Elapsed < BootNicPreference ? [] : linked.Except(preferred)) : linked;
    }

    private BootNetwork? TryDhcp(NetworkInterface nic)
    {
        try
        {
            var lease = DhcpClient.Acquire(nic, Patience, (ushort)Math.Min(Elapsed.TotalSeconds, ushort.MaxValue));
            return lease is null ? null : Configure(nic, lease.Address, lease.Mask!, lease.Gateway, "dhcp");
        }
        // LinuxException: the kernel refuses an address that a server gave.
        catch (Exception e) when (e is SocketException or LinuxException)
        {
            BootConsole.Warn("network", $"DHCP on {nic.Name} failed: {e.Message}; trying again");
            return null;
        }
    }

    private static BootNetwork Configure(NetworkInterface nic, IPAddress address, IPAddress mask, IPAddress? gateway, string source)
    {
        nic.SetAddress(address, mask);
        if (gateway is not null && !gateway.Equals(IPAddress.Any))
        {
            try { nic.AddDefaultRoute(gateway); }
            catch (LinuxException e) { BootConsole.Warn("network", $"no default route by {gateway}: {e.Message}; going on without it"); }
        }
        return new BootNetwork
        {
            Interface = nic.Name, Mac = nic.Mac, Address = $"{address}/{LoaderAddress.PrefixLength(mask)}", Gateway = gateway?.ToString(),
            Source = source,
        };
    }

    /// <summary>At most a line every five seconds.</summary>
    private void Say(string text)
    {
        if (Environment.TickCount64 - lastSaid < 5000) return;
        lastSaid = Environment.TickCount64;
        BootConsole.Say("network", $"{text} ({Elapsed.TotalSeconds:0} s)");
    }
}

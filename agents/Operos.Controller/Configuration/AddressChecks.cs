using System.Net;
using static Operos.Controller.Configuration.DottedAddress;

namespace Operos.Controller.Configuration;

/// <summary>
/// What the addresses of the machines' network must be to each other. A range counts only where DHCP gives of it. What a rack may have run
/// with for years is doubted, so that it goes on: a gateway within the range does harm only when a machine is given its address.
/// </summary>
internal static class AddressChecks
{
    public static void Check(ConfigurationFile file, ControllerSettings settings)
    {
        CheckGateway(file, settings);
        foreach (var server in settings.Dns)
            if (WhyNoHost(server, settings.Network) is { } why) file.Doubt("dhcp.dns", $"{server} {why}");
        CheckRange(file, settings);
        CheckUpstream(file, settings);
        foreach (var server in TimeServers(settings))
            if (WhyNoHost(server, settings.Network) is { } why) file.Fail("time.servers", $"{server} {why}");
    }

    /// <summary>Why no machine can have an address; null where one can.</summary>
    public static string? WhyNoHost(IPAddress address, IPNetwork network)
    {
        if (!IsUnicast(address)) return "is no address that a machine can have";
        if (address.Equals(network.BaseAddress)) return $"is the address of the network {network} itself, which no machine can have";
        return address.Equals(Broadcast(network)) ? $"is the broadcast address of the network {network}, which no machine can have" : null;
    }

    /// <summary>The controller's own network has it too, and a machine reaches its gateway without one (RFC 1122, 3.3.1.1).</summary>
    private static void CheckGateway(ConfigurationFile file, ControllerSettings settings)
    {
        const string key = "dhcp.gateway";
        if (settings.Gateway is not { } gateway) return;
        if (!settings.Network.Contains(gateway))
            file.Doubt(key, $"{gateway} is outside the machines' network {settings.Network}: an address within it is expected");
        else if (WhyNoHost(gateway, settings.Network) is { } why) file.Doubt(key, $"{gateway} {why}");
    }

    private static void CheckUpstream(ConfigurationFile file, ControllerSettings settings)
    {
        if (settings is not { DnsEnabled: true, Kubernetes: { Enabled: true, DnsService: var service } }) return;
        if (settings.DnsUpstream.Contains(service))
            file.Doubt("dns.upstream", $"{service} is the cluster's own DNS service, which would ask itself");
    }

    private static void CheckRange(ConfigurationFile file, ControllerSettings settings)
    {
        const string key = "dhcp.range";
        if (settings is not { DhcpMode: DhcpMode.Full, RangeStart: { } start, RangeEnd: { } end }) return;
        if (!settings.Network.Contains(start) || !settings.Network.Contains(end))
        {
            file.Fail(key, $"is not within the network {settings.Network} of network.address: two addresses of it are expected");
            return;
        }
        foreach (var (address, whose) in Taken(settings).DistinctBy(taken => taken.Address))
        {
            if (Number(address) < Number(start) || Number(address) > Number(end)) continue;
            var problem = $"holds {whose} {address}, which a machine would be given: a range without it is expected";
            if (address.Equals(settings.Address)) file.Fail(key, problem);
            else file.Doubt(key, problem);
        }
    }

    private static IEnumerable<(IPAddress Address, string Whose)> Taken(ControllerSettings settings)
    {
        yield return (settings.Address, "the controller's own address");
        yield return (settings.Network.BaseAddress, "the network's own address");
        yield return (Broadcast(settings.Network), "the broadcast address");
        if (settings.Gateway is { } gateway) yield return (gateway, "the gateway");
        foreach (var server in settings.Dns.Concat(settings.DnsEnabled ? settings.DnsUpstream : []))
            yield return (server, "the name server");
        foreach (var server in TimeServers(settings)) yield return (server, "the time server");
    }

    private static IEnumerable<IPAddress> TimeServers(ControllerSettings settings) =>
        (settings.TimeServers ?? []).Select(Parse).OfType<IPAddress>();
}

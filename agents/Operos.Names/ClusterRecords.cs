using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Operos.Names;

/// <summary>
/// Which records a cluster has: Kubernetes DNS-Based Service Discovery 1.1.0, whose section stands at each method, and the
/// machines' names. A pure function: the same cluster, the same records. What cannot be served is left out and told.
/// </summary>
internal sealed class ClusterRecords
{
    private const string SchemaVersion = "1.1.0";
    private readonly ZonePlan plan;
    private readonly Dictionary<string, HashSet<ResourceRecord>> zones;
    private readonly SortedDictionary<string, string> leftOut = new(StringComparer.Ordinal);

    private ClusterRecords(ZonePlan plan)
    {
        this.plan = plan;
        zones = plan.Zones.ToDictionary(zone => zone, _ => new HashSet<ResourceRecord>(), StringComparer.Ordinal);
    }

    /// <summary>The records of each zone of the plan.</summary>
    /// <param name="leftOut">Names that cannot be served, and why.</param>
    public static IReadOnlyDictionary<string, HashSet<ResourceRecord>> Write(NameSnapshot names, ZonePlan plan,
        out IReadOnlyDictionary<string, string> leftOut)
    {
        var records = new ClusterRecords(plan);
        records.AddSchemaVersion();
        var endpoints = names.Endpoints.ToLookup(group => (group.Namespace, group.Service));
        foreach (var service in names.Services) records.AddService(service, endpoints[(service.Namespace, service.Name)]);
        foreach (var pod in names.Pods) records.AddPod(pod);
        records.AddMachines(names.Machines);
        leftOut = records.leftOut;
        return records.zones;
    }

    /// <summary>2.2.</summary>
    private void AddSchemaVersion()
    {
        Add(plan.ClusterDomain, new("dns-version." + plan.ClusterDomain, RecordType.Txt, SchemaVersion));
        AddAddress(plan.ClusterDomain, plan.ServerName, plan.Server);
    }

    private void AddService(ServiceNames service, IEnumerable<EndpointGroup> endpoints)
    {
        var owner = $"{service.Name}.{service.Namespace}.svc.{plan.ClusterDomain}";
        // 2.5: nothing else may stand beside a CNAME (RFC 1034, 3.6.2).
        if (service.ExternalName is { } target) Add(plan.ClusterDomain, new(owner, RecordType.Cname, target));
        else if (service.Headless) AddHeadless(owner, service, endpoints);
        else AddClusterAddresses(owner, service);
    }

    /// <summary>2.3: a service with addresses of its own.</summary>
    private void AddClusterAddresses(string owner, ServiceNames service)
    {
        if (service.ClusterAddresses.Count == 0) return;
        foreach (var address in service.ClusterAddresses)
        {
            AddAddress(plan.ClusterDomain, owner, address);
            AddPointer(address, owner);
        }
        foreach (var port in service.Ports) AddPort(owner, port, owner);
    }

    /// <summary>2.4: the ready endpoints of a service without address; the ports are those that the endpoints listen on.</summary>
    private void AddHeadless(string owner, ServiceNames service, IEnumerable<EndpointGroup> endpoints)
    {
        foreach (var group in endpoints)
        {
            foreach (var endpoint in group.Addresses)
            {
                if (!endpoint.Ready && !service.PublishNotReady) continue;
                var host = $"{endpoint.Hostname ?? Dashed(endpoint.Address)}.{owner}";
                AddAddress(plan.ClusterDomain, owner, endpoint.Address);
                AddAddress(plan.ClusterDomain, host, endpoint.Address);
                AddPointer(endpoint.Address, host);
                foreach (var port in group.Ports) AddPort(owner, port, host);
            }
        }
    }

    /// <summary>
    /// 2.6, for pods that exist. The specification lets any four numbers have such a name; answering for them would let anybody
    /// claim any address below the cluster's domain.
    /// </summary>
    private void AddPod(PodAddresses pod)
    {
        foreach (var address in new[] { pod.Four, pod.Six }.OfType<IPAddress>())
            AddAddress(plan.ClusterDomain, $"{Dashed(address)}.{pod.Namespace}.pod.{plan.ClusterDomain}", address);
    }

    /// <summary>
    /// A machine has two names, its UUID and the operator's; the latter, where there is one, is what its address is called.
    /// </summary>
    private void AddMachines(IReadOnlyList<MachineName> machines)
    {
        var ids = machines.Select(machine => machine.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var machine in machines.Where(machine => DnsName.IsLabel(machine.Id)))
        {
            AddAddress(plan.MachinesDomain, $"{machine.Id}.{plan.MachinesDomain}", machine.Address);
            // A name that is another machine's UUID would lead to the wrong machine.
            var name = DnsName.IsLabel(machine.Name) && !ids.Contains(machine.Name!) ? machine.Name! : machine.Id;
            AddAddress(plan.MachinesDomain, $"{name}.{plan.MachinesDomain}", machine.Address);
            AddPointer(machine.Address, $"{name}.{plan.MachinesDomain}");
        }
    }

    private void AddAddress(string zone, string owner, IPAddress address) =>
        Add(zone, new(owner, address.AddressFamily == AddressFamily.InterNetwork ? RecordType.A : RecordType.Aaaa, address.ToString()));

    private void AddPort(string owner, NamedPort port, string target) =>
        Add(plan.ClusterDomain, new($"_{port.Name}._{port.Protocol}.{owner}", RecordType.Srv, target, port.Number));

    private void AddPointer(IPAddress address, string name)
    {
        if (!plan.Networks.Any(network => network.Contains(address))) return;
        var owner = DnsName.Reverse(address);
        if (plan.ZoneOf(owner) is { } zone) Add(zone, new(owner, RecordType.Ptr, name));
    }

    private void Add(string zone, ResourceRecord record)
    {
        if (ServableRecords.WhyNot(record) is { } problem) leftOut[record.Owner] = problem;
        else zones[zone].Add(record);
    }

    /// <summary>The label that an address without hostname gets: 10-10-0-7, or eight groups for IPv6, so that no dash is first.</summary>
    private static string Dashed(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? string.Join('-', bytes)
            : string.Join('-', bytes.Chunk(2).Select(pair => ((pair[0] << 8) | pair[1]).ToString("x", CultureInfo.InvariantCulture)));
    }
}

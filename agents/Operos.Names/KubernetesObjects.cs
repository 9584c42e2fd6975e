using System.Net;
using k8s.Models;

namespace Operos.Names;

/// <summary>
/// Takes from API objects what names are made of. The API server validated them, and a name that is none would still break a
/// zone: what does not pass here has no records.
/// </summary>
internal static class KubernetesObjects
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";
    /// <summary>The older spelling of publishNotReadyAddresses, which the specification names (2.1, "ready").</summary>
    private const string TolerateUnready = "service.alpha.kubernetes.io/tolerate-unready-endpoints";

    public static ServiceNames? Read(V1Service service)
    {
        if (!IsNamed(service.Metadata) || service.Spec is not { } spec) return null;
        var external = spec.Type == "ExternalName";
        string[] addresses = external ? [] : [.. spec.ClusterIPs is { Count: > 0 } several ? several : [spec.ClusterIP]];
        return new ServiceNames
        {
            Namespace = service.Metadata.NamespaceProperty,
            Name = service.Metadata.Name,
            Headless = addresses is ["None"],
            ClusterAddresses = [.. addresses.Select(ReadAddress).OfType<IPAddress>()],
            ExternalName = external ? ReadTarget(spec.ExternalName) : null,
            PublishNotReady = spec.PublishNotReadyAddresses == true || service.Metadata.Annotations?.TryGetValue(TolerateUnready, out var tolerate) == true && tolerate == "true",
            Ports = [.. (spec.Ports ?? []).Select(port => ReadPort(port.Name, port.Protocol, port.Port)).OfType<NamedPort>()],
        };
    }

    public static IReadOnlyList<EndpointGroup> Read(V1Endpoints endpoints)
    {
        if (!IsNamed(endpoints.Metadata)) return [];
        return [.. (endpoints.Subsets ?? []).Select(subset => new EndpointGroup(
            endpoints.Metadata.NamespaceProperty, endpoints.Metadata.Name,
            [.. (subset.Addresses ?? []).Select(address => ReadEndpoint(address.Ip, address.Hostname, ready: true)).OfType<EndpointAddress>(),
                .. (subset.NotReadyAddresses ?? []).Select(address => ReadEndpoint(address.Ip, address.Hostname, ready: false)).OfType<EndpointAddress>()],
            [.. (subset.Ports ?? []).Select(port => ReadPort(port.Name, port.Protocol, port.Port)).OfType<NamedPort>()]))];
    }

    public static IReadOnlyList<EndpointGroup> Read(V1EndpointSlice slice)
    {
        if (!IsNamed(slice.Metadata) || slice.Metadata.Labels?.TryGetValue(ServiceNameLabel, out var service) != true || !DnsName.IsLabel(service)) return [];
        // An endpoint whose readiness is unknown counts as ready (EndpointConditions).
        return [new EndpointGroup(slice.Metadata.NamespaceProperty, service!,
            [.. (slice.Endpoints ?? []).Select(endpoint => ReadEndpoint(endpoint.Addresses?.FirstOrDefault(), endpoint.Hostname, endpoint.Conditions?.Ready != false)).OfType<EndpointAddress>()],
            [.. (slice.Ports ?? []).Select(port => ReadPort(port.Name, port.Protocol, port.Port)).OfType<NamedPort>()])];
    }

    public static PodAddresses? Read(V1Pod pod)
    {
        // A pod that has ended keeps its address in its status, and another may have it by now.
        if (!DnsName.IsLabel(pod.Metadata?.NamespaceProperty) || pod.Status is not { Phase: not ("Succeeded" or "Failed") } status) return null;
        var addresses = (status.PodIPs is { Count: > 0 } several ? several.Select(item => item.Ip) : [status.PodIP]).Select(ReadAddress).OfType<IPAddress>().ToList();
        return addresses.Count == 0 ? null : new PodAddresses(pod.Metadata!.NamespaceProperty, addresses.Find(IsFour), addresses.Find(address => !IsFour(address)));
    }

    private static bool IsNamed(V1ObjectMeta? metadata) => DnsName.IsLabel(metadata?.Name) && DnsName.IsLabel(metadata!.NamespaceProperty);

    private static bool IsFour(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;

    private static EndpointAddress? ReadEndpoint(string? address, string? hostname, bool ready) =>
        ReadAddress(address) is { } parsed ? new EndpointAddress(parsed, DnsName.IsLabel(hostname) ? hostname : null, ready) : null;

    /// <summary>Only what the kernel's own notation gives back unchanged: "010.1" and "fe80::1%eth0" are none.</summary>
    private static IPAddress? ReadAddress(string? text) =>
        IPAddress.TryParse(text, out var address) && (IsFour(address) ? address.ToString() == text : address.ScopeId == 0) ? address : null;

    private static NamedPort? ReadPort(string? name, string? protocol, int? number) =>
        DnsName.IsLabel(name) && number is > 0 and <= ushort.MaxValue && (protocol ?? "TCP").ToLowerInvariant() is var lower && lower is ("tcp" or "udp" or "sctp")
            ? new NamedPort(name!, lower, (ushort)number) : null;

    /// <summary>An address in place of a name has no CNAME record.</summary>
    private static string? ReadTarget(string? name)
    {
        var lower = name?.ToLowerInvariant().TrimEnd('.');
        return DnsName.IsName(lower) && !IPAddress.TryParse(lower, out _) ? lower : null;
    }
}

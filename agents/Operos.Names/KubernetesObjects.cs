using System.Net;
using Operos.Kubernetes.Objects;

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

    public static ServiceNames? Read(ServiceObject service)
    {
        if (service.Metadata is not { } meta || !IsNamed(meta) || service.Spec is not { } spec) return null;
        var external = spec.Type == "ExternalName";
        string?[] addresses = external ? [] : [.. spec.ClusterIPs is { Count: > 0 } several ? several : [spec.ClusterIP]];
        return new ServiceNames
        {
            Namespace = meta.Namespace!,
            Name = meta.Name!,
            Headless = addresses is ["None"],
            ClusterAddresses = [.. addresses.Select(ReadAddress).OfType<IPAddress>()],
            ExternalName = external ? ReadTarget(spec.ExternalName) : null,
            PublishNotReady = spec.PublishNotReadyAddresses == true
                || meta.Annotations?.TryGetValue(TolerateUnready, out var tolerate) == true && tolerate == "true",
            Ports = [.. spec.Ports.Present().Select(port => ReadPort(port.Name, port.Protocol, port.Port)).OfType<NamedPort>()],
        };
    }

    public static IReadOnlyList<EndpointGroup> Read(EndpointsObject endpoints)
    {
        if (endpoints.Metadata is not { } meta || !IsNamed(meta)) return [];
        return [.. endpoints.Subsets.Present().Select(subset => new EndpointGroup(
            meta.Namespace!, meta.Name!,
            [.. subset.Addresses.Present().Select(address => ReadEndpoint(address.Ip, address.Hostname, ready: true))
                .OfType<EndpointAddress>(),
                .. subset.NotReadyAddresses.Present().Select(address => ReadEndpoint(address.Ip, address.Hostname, ready: false))
                    .OfType<EndpointAddress>()],
            [.. subset.Ports.Present().Select(port => ReadPort(port.Name, port.Protocol, port.Port)).OfType<NamedPort>()]))];
    }

    public static IReadOnlyList<EndpointGroup> Read(EndpointSliceObject slice)
    {
        if (slice.Metadata is not { } meta || !IsNamed(meta) || meta.Labels?.TryGetValue(ServiceNameLabel, out var service) != true
            || !DnsName.IsLabel(service)) return [];
        // An endpoint whose readiness is unknown counts as ready (EndpointConditions).
        return [new EndpointGroup(meta.Namespace!, service!,
            [.. slice.Endpoints.Present().Select(endpoint =>
                ReadEndpoint(endpoint.Addresses?.FirstOrDefault(), endpoint.Hostname, endpoint.Conditions?.Ready != false))
                .OfType<EndpointAddress>()],
            [.. slice.Ports.Present().Select(port => ReadPort(port.Name, port.Protocol, port.Port)).OfType<NamedPort>()])];
    }

    public static PodAddresses? Read(PodObject pod)
    {
        // A pod that has ended keeps its address in its status, and another may have it by now.
        if (!DnsName.IsLabel(pod.Metadata?.Namespace) || pod.Status is not { Phase: not ("Succeeded" or "Failed") } status) return null;
        var addresses = (status.PodIPs is { Count: > 0 } several ? several.Select(item => item?.Ip) : [status.PodIP]).Select(ReadAddress)
            .OfType<IPAddress>().ToList();
        return addresses.Count == 0 ? null : new PodAddresses(
            pod.Metadata!.Namespace!, addresses.Find(IsFour), addresses.Find(address => !IsFour(address)));
    }

    private static bool IsNamed(ObjectMeta? metadata) => DnsName.IsLabel(metadata?.Name) && DnsName.IsLabel(metadata!.Namespace);

    private static bool IsFour(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;

    private static EndpointAddress? ReadEndpoint(string? address, string? hostname, bool ready) =>
        ReadAddress(address) is { } parsed ? new EndpointAddress(parsed, DnsName.IsLabel(hostname) ? hostname : null, ready) : null;

    /// <summary>Only what the kernel's own notation gives back unchanged: "010.1" and "fe80::1%eth0" are none.</summary>
    private static IPAddress? ReadAddress(string? text) =>
        IPAddress.TryParse(text, out var address) && (IsFour(address) ? address.ToString() == text : address.ScopeId == 0) ? address : null;

    private static NamedPort? ReadPort(string? name, string? protocol, int? number) =>
        DnsName.IsLabel(name) && number is > 0 and <= ushort.MaxValue && (protocol ?? "TCP").ToLowerInvariant() is var lower
            && lower is ("tcp" or "udp" or "sctp")
            ? new NamedPort(name!, lower, (ushort)number) : null;

    /// <summary>An address in place of a name has no CNAME record.</summary>
    private static string? ReadTarget(string? name)
    {
        var lower = name?.ToLowerInvariant().TrimEnd('.');
        return DnsName.IsName(lower) && !IPAddress.TryParse(lower, out _) ? lower : null;
    }
}

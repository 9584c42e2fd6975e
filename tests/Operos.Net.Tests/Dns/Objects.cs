using System.Net;
using Operos.Names;
using k8s.Models;

namespace Operos.Net.Tests.Dns;

/// <summary>API objects in few words.</summary>
internal static class Objects
{
    public static V1Service Service(string @namespace, string? address, string name = "web", string[]? ports = null,
        string[]? addresses = null) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = @namespace },
        Spec = new V1ServiceSpec { Type = "ClusterIP", ClusterIP = address, ClusterIPs = addresses,
            Ports = [.. (ports ?? []).Select(ServicePort)] },
    };

    public static V1Service Headless(string name = "db", bool publishNotReady = false, bool tolerate = false, string[]? ports = null)
    {
        var service = Service("shop", "None", name, ports);
        service.Spec.PublishNotReadyAddresses = publishNotReady;
        if (tolerate) service.Metadata.Annotations = new Dictionary<string, string>
            { ["service.alpha.kubernetes.io/tolerate-unready-endpoints"] = "true" };
        return service;
    }

    public static V1Service External(string target, string name = "ext") => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "shop" },
        Spec = new V1ServiceSpec { Type = "ExternalName", ExternalName = target, ClusterIP = "" },
    };

    /// <param name="ready">Addresses, each with its hostname after a slash where it has one.</param>
    /// <param name="ports">Such as <c>http/TCP/8080</c>; a name may be empty.</param>
    public static V1Endpoints Endpoints(string[] ready, string[]? notReady = null, string[]? ports = null, string name = "db") => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "shop" },
        Subsets = [new V1EndpointSubset
        {
            Addresses = [.. ready.Select(Address)],
            NotReadyAddresses = [.. (notReady ?? []).Select(Address)],
            Ports = [.. (ports ?? []).Select(port => port.Split('/'))
                .Select(words => new Corev1EndpointPort { Name = words[0], Protocol = words[1], Port = int.Parse(words[2], null) })],
        }],
    };

    public static V1EndpointSlice Slice(string family, string address, string? hostname, bool? ready, string? port = null) => new()
    {
        Metadata = new V1ObjectMeta { Name = "db-x7k2p", NamespaceProperty = "shop",
            Labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = "db" } },
        AddressType = family,
        Endpoints = [new V1Endpoint { Addresses = [address], Hostname = hostname,
            Conditions = new V1EndpointConditions { Ready = ready } }],
        Ports = port is null ? null : [new Discoveryv1EndpointPort
            { Name = port.Split('/')[0], Protocol = port.Split('/')[1], Port = int.Parse(port.Split('/')[2], null) }],
    };

    public static V1Pod Pod(string address, string phase = "Running") => new()
    {
        Metadata = new V1ObjectMeta { Name = "p-" + address.Replace('.', '-'), NamespaceProperty = "shop" },
        Status = new V1PodStatus { Phase = phase, PodIP = address, PodIPs = [new V1PodIP { Ip = address }] },
    };

    public static MachineName Machine(string id, string? name, string address) => new(id, name, IPAddress.Parse(address));

    private static V1ServicePort ServicePort(string text)
    {
        var words = text.Split('/');
        return new V1ServicePort { Name = words[0], Protocol = words[1], Port = int.Parse(words[2], null), TargetPort = 8080 };
    }

    private static V1EndpointAddress Address(string text)
    {
        var words = text.Split('/');
        return new V1EndpointAddress { Ip = words[0], Hostname = words.ElementAtOrDefault(1) };
    }
}

using System.Net;
using Operos.Kubernetes;
using Operos.Proto;

namespace Operos.Node.Tests;

/// <summary>A node as the tests have it.</summary>
internal static class Settings
{
    public const string Name = "10000000-0000-4000-8000-000000000001";

    public static NodeSettings Node(string authority = "") => new()
    {
        Name = Name,
        Cluster = new KubernetesNode
        {
            ApiServer = "https://10.77.0.1:6443", Authority = authority, ClusterDomain = "cluster.local", DnsAddress = "10.11.0.10",
            PodNetwork = "10.10.0.0/16", ServiceNetwork = "10.11.0.0/16", RoutesToPods = true, HasCeph = true,
        },
        ReservedMemoryBytes = 320L << 20,
        Labels = new Dictionary<string, string> { ["operos.io/release"] = "0.1.0" },
    };

    public static NodeFacts Facts(string version) =>
        new() { Version = KubernetesVersion.Parse(version), Address = IPAddress.Parse("10.77.0.101") };
}

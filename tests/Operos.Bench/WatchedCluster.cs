using System.Text.Json.Nodes;
using Operos.Kubernetes;

namespace Operos.Bench;

/// <summary>
/// The objects of a large cluster, written to a real API server: 100 nodes, 5,000 pods as a Deployment makes them, 1,000 policies in 20
/// namespaces.
/// </summary>
internal sealed class WatchedCluster(ApiClient client)
{
    public const int Nodes = 100, Pods = 5000, Policies = 1000;
    private const int Namespaces = 20, AtOnce = 8;
    private const string Registry = "registry.example.com/team";

    public async Task FillAsync()
    {
        await EachAsync(Namespaces, number => client.CreateAsync("/api/v1/namespaces",
            new JsonObject { ["metadata"] = Meta($"space-{number}", ("team", $"team-{number % 5}")) }, default));
        await EachAsync(Nodes, CreateNodeAsync);
        await EachAsync(Policies, number =>
            client.CreateAsync(Resources.NetworkPolicies.Path($"space-{number % Namespaces}"), Policy(number), default));
        await EachAsync(Pods, CreatePodAsync);
    }

    /// <summary>Each pod's condition changes, as kubelets write it: nothing to policies.</summary>
    public Task BeatAsync(int count, int round) => EachAsync(count, number => client.MergeAsync(PathOf(number) + "/status", new JsonObject
    {
        ["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(new JsonObject
            {
                ["type"] = "Ready", ["status"] = round % 2 == 0 ? "True" : "False", ["reason"] = $"Beat{round}",
            }),
        },
    }, default));

    /// <summary>A pod's label changes, which is something to policies.</summary>
    public Task RelabelAsync(int number, string app) => client.MergeAsync(PathOf(number),
        new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["app"] = app } } }, default);

    private static string PathOf(int pod) => Resources.Pods.Path($"space-{pod % Namespaces}", $"web-{pod % 10}-7c9d8b6f5-{pod:x5}");

    private static Task EachAsync(int count, Func<int, Task> make) =>
        Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (number, _) => await make(number));

    private async Task CreateNodeAsync(int number)
    {
        await client.CreateAsync("/api/v1/nodes", new JsonObject
        {
            ["metadata"] = Meta($"node-{number}", ("kubernetes.io/hostname", $"node-{number}")),
            ["spec"] = new JsonObject { ["podCIDR"] = $"10.10.{number}.0/24", ["podCIDRs"] = new JsonArray($"10.10.{number}.0/24") },
        }, default);
        await client.MergeAsync($"/api/v1/nodes/node-{number}/status", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["addresses"] = new JsonArray(new JsonObject { ["type"] = "InternalIP", ["address"] = $"10.77.0.{number + 10}" }),
                ["images"] = Array(40, image => new JsonObject
                {
                    ["names"] = new JsonArray($"{Registry}/image-{image}@sha256:{image:x64}", $"{Registry}/image-{image}:1.{number}"),
                    ["sizeBytes"] = 50_000_000 + image,
                }),
            },
        }, default);
    }

    private async Task CreatePodAsync(int number)
    {
        var (space, node) = ($"space-{number % Namespaces}", number % Nodes);
        var name = $"web-{number % 10}-7c9d8b6f5-{number:x5}";
        await client.CreateAsync(Resources.Pods.Path(space), new JsonObject
        {
            ["metadata"] = Meta(name, ("app", $"app-{number % 10}"), ("tier", $"tier-{number % 3}"), ("pod-template-hash", "7c9d8b6f5")),
            ["spec"] = new JsonObject
            {
                ["nodeName"] = $"node-{node}",
                ["containers"] = new JsonArray(Container("main", 8000 + number % 4), Container("proxy", 15000)),
                ["volumes"] = new JsonArray(new JsonObject { ["name"] = "settings",
                    ["configMap"] = new JsonObject { ["name"] = $"web-{number % 10}-settings" } }),
            },
        }, default);
        await client.MergeAsync(PathOf(number) + "/status", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["phase"] = "Running", ["hostIP"] = $"10.77.0.{node + 10}", ["podIP"] = $"10.10.{node}.{number / Nodes + 2}",
                    ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = $"10.10.{node}.{number / Nodes + 2}" }),
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True", ["reason"] = "Beat" }),
            },
        }, default);
    }

    private static JsonObject Container(string name, int port) => new()
    {
        ["name"] = name, ["image"] = $"{Registry}/{name}:1.4.2",
        ["ports"] = new JsonArray(new JsonObject { ["name"] = name == "main" ? "http" : "admin", ["containerPort"] = port }),
        ["env"] = Array(8, number => new JsonObject { ["name"] = $"SETTING_{number}",
            ["value"] = $"https://service-{number}.example.com/api" }),
        ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["cpu"] = "100m", ["memory"] = "128Mi" },
            ["limits"] = new JsonObject { ["memory"] = "256Mi" } },
        ["readinessProbe"] = new JsonObject { ["httpGet"] = new JsonObject { ["path"] = "/ready", ["port"] = port } },
        ["volumeMounts"] = new JsonArray(new JsonObject { ["name"] = "settings", ["mountPath"] = "/etc/settings" }),
    };

    private static JsonObject Policy(int number)
    {
        JsonObject App(int app) => new() { ["matchLabels"] = new JsonObject { ["app"] = $"app-{app % 10}" } };
        JsonArray Peers() =>
        [
            new JsonObject { ["podSelector"] = App(number + 1) },
            new JsonObject { ["namespaceSelector"] = new JsonObject
                { ["matchLabels"] = new JsonObject { ["team"] = $"team-{number % 5}" } }, ["podSelector"] = App(number) },
            new JsonObject { ["ipBlock"] = new JsonObject { ["cidr"] = $"172.{16 + number % 16}.0.0/16" } },
        ];
        JsonArray Ports() => [new JsonObject { ["port"] = "http" }, new JsonObject { ["port"] = 9000 + number }];
        return new JsonObject
        {
            ["metadata"] = Meta($"policy-{number}"),
            ["spec"] = new JsonObject
            {
                ["podSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["app"] = $"app-{number / Namespaces % 10}",
                    ["tier"] = $"tier-{number % 3}" } },
                ["policyTypes"] = new JsonArray("Ingress", "Egress"),
                ["ingress"] = new JsonArray(new JsonObject { ["from"] = Peers(), ["ports"] = Ports() }),
                ["egress"] = new JsonArray(new JsonObject { ["to"] = Peers(), ["ports"] = Ports() }),
            },
        };
    }

    private static JsonArray Array(int count, Func<int, JsonObject> make) => [.. Enumerable.Range(0, count).Select(make)];

    private static JsonObject Meta(string name, params (string Key, string Value)[] labels) =>
        new() { ["name"] = name, ["labels"] = new JsonObject(
            labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))) };
}

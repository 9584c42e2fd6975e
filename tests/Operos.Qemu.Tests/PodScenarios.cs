using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>What pods can do, on the nodes' real kernel.</summary>
internal static class PodScenarios
{
    private const string DenyAll = """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: closed}
        spec: {podSelector: {matchLabels: {app: sample}}, policyTypes: [Ingress]}

        """;

    private const string AllowSample = """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: open}
        spec:
          podSelector: {matchLabels: {app: sample}}
          ingress: [{from: [{podSelector: {matchLabels: {app: sample}}}], ports: [{port: http}]}]

        """;

    public static async Task PodsTalkAsPoliciesSayAsync(Cluster cluster)
    {
        var kubectl = cluster.Kubectl;
        var pods = await SampleWorkload.PodsAsync(kubectl, cluster.Token);
        Assert.Equal(2, pods.Select(pod => pod.Node).Distinct().Count());

        // A pod reaches a host outside the cluster, which sees the node's address.
        string[] serve = ["httpd", "-f", "-p", $"{Cluster.HostAddress}:8088", "-h", cluster.Folder.Path];
        using var web = cluster.Network.Start("busybox", serve, cluster.Folder["outside.log"]);
        await File.WriteAllTextAsync(cluster.Folder["hello"], "from outside", cluster.Token);
        var fetched = await kubectl.WaitAsync(text => text.Contains("outside", StringComparison.Ordinal), cluster.Left, cluster.Token,
            SampleWorkload.Fetch(pods[0].Pod, Cluster.HostAddress, 8088, "/hello"));
        Assert.Equal("from outside", fetched.Trim());
        cluster.Tell("a pod reaches the outside");

        // Default deny closes the pods to each other; a rule for their label and the port's name opens them again.
        await cluster.ApplyAsync("closed", DenyAll);
        await kubectl.WaitAsync(text => text.Contains("refused", StringComparison.Ordinal), cluster.Left, cluster.Token,
            SampleWorkload.Fetch(pods[0].Pod, SampleWorkload.Name, 80, "/"));
        await cluster.ApplyAsync("open", AllowSample);
        await SampleWorkload.AskAllAsync(kubectl, pods[0].Pod, [.. pods.Select(pod => pod.Node)], cluster.Left, cluster.Token);
        await kubectl.RunAsync(cluster.Token, "logs", pods[0].Pod);
        await kubectl.RunAsync(cluster.Token, "delete", "networkpolicy", "closed", "open");
    }
}

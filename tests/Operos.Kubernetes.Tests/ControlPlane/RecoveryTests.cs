using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>Whatever dies or expires, it comes back by itself.</summary>
[Collection("control plane")]
public sealed class RecoveryTests(Cluster cluster, ITestOutputHelper output)
{
    [Theory]
    [InlineData("etcd")]
    [InlineData("kube-apiserver")]
    [InlineData("kube-scheduler")]
    public async Task A_killed_component_comes_back_and_nothing_is_lost(string component)
    {
        await cluster.KubectlAsync($"create configmap before-{component}");
        var before = cluster.Processes();
        var started = Stopwatch.GetTimestamp();
        Process.GetProcessById(before[component]).Kill();
        await Cluster.UntilAsync($"{component} is another process", () => Task.FromResult(cluster.ProcessOf(component) != before[component]));
        await cluster.HealthyAsync();
        await Cluster.UntilAsync("what was written is there", async () => (await cluster.KubectlAsync("get configmaps")).Contains($"before-{component}", StringComparison.Ordinal));
        output.WriteLine($"healthy {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s after the kill");
    }

    [Fact]
    public async Task A_killed_agent_leaves_the_API_running_and_the_next_one_watches_it_again()
    {
        var before = cluster.Processes();
        cluster.Controller.Kill(alone: true);
        Assert.Contains("kube-system", await cluster.KubectlAsync("get namespaces"), StringComparison.Ordinal);
        await cluster.Controller.RunAsync(default);
        await cluster.HealthyAsync();
        Assert.Equal(before, cluster.Processes());
        Process.GetProcessById(before["kube-scheduler"]).Kill();
        await Cluster.UntilAsync("the scheduler is another process", () => Task.FromResult(cluster.ProcessOf("kube-scheduler") != before["kube-scheduler"]));
        await cluster.HealthyAsync();
    }

    [Fact]
    public async Task Certificates_near_expiry_are_renewed_without_an_outage()
    {
        // With a life of 400 days, one that has 30 left is in its last third: the same renewal as after 20 of 30 days.
        var before = cluster.Processes();
        var old = Expiry();
        var text = await File.ReadAllTextAsync(cluster.Controller.ConfigurationPath);
        await File.WriteAllTextAsync(cluster.Controller.ConfigurationPath, text.Replace("enabled = true", "enabled = true\ncertificate-life = \"400d\"", StringComparison.Ordinal));
        var admin = cluster.PathOf("admin.kubeconfig");
        using var stop = new CancellationTokenSource();
        var outages = PollAsync(admin, stop.Token);
        cluster.Controller.Kill(alone: true);
        await cluster.Controller.RunAsync(default);
        await Cluster.UntilAsync("the API server serves a renewed certificate", async () => await ServedExpiryAsync() > old.AddDays(300));
        foreach (var name in (string[])["kube-controller-manager", "kube-scheduler"])
            await Cluster.UntilAsync($"{name} was restarted", () => Task.FromResult(cluster.ProcessOf(name) != before[name]));
        await cluster.HealthyAsync();
        await stop.CancelAsync();
        var (asked, failed) = await outages;
        output.WriteLine($"{asked} requests during the renewal");
        Assert.Empty(failed);
        Assert.True(asked > 10, $"only {asked} requests were made");
        Assert.Equal((before["etcd"], before["kube-apiserver"]), (cluster.ProcessOf("etcd"), cluster.ProcessOf("kube-apiserver")));
    }

    private DateTime Expiry() => X509Certificate2.CreateFromPem(File.ReadAllText(Path.Combine(cluster.Pki, "kube-apiserver.crt"))).NotAfter;

    private async Task<DateTime> ServedExpiryAsync()
    {
        var text = await cluster.Network.RunAsync("sh", ["-c", $"openssl s_client -connect {NativeController.Address}:6443 </dev/null 2>/dev/null | openssl x509"], default);
        return X509Certificate2.CreateFromPem(text).NotAfter;
    }

    private async Task<(int Asked, List<string> Failed)> PollAsync(string kubeconfig, CancellationToken cancellationToken)
    {
        var (asked, failed) = (0, new List<string>());
        for (; !cancellationToken.IsCancellationRequested; asked++)
        {
            try { await cluster.KubectlAsync("get --raw /readyz", kubeconfig); }
            catch (LabException e) { failed.Add(e.Message); }
            await Task.Delay(250, CancellationToken.None);
        }
        return (asked, failed);
    }
}

using System.Security.Cryptography.X509Certificates;
using Operos.Lab;

namespace Operos.Kubernetes.Tests.ControlPlane;

/// <summary>The control plane's own certificates; the API server looks at its files once a minute.</summary>
public sealed class RenewalTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Agent = "operos-controller.service";

    [Fact]
    [Trait("stage", "patient")]
    public async Task Certificates_near_expiry_are_renewed_without_an_outage()
    {
        // With a life of 400 days, one that has 30 left is in its last third: the same renewal as after 20 of 30 days.
        var before = await Cluster.ProcessesAsync();
        var old = Expiry();
        var configuration = Cluster.Controller.PathOf("/etc/operos/controller.toml");
        await File.AppendAllTextAsync(configuration, "\n[kubernetes]\ncertificate-life = \"400d\"\n");
        var admin = Cluster.PathOf("admin.kubeconfig");
        using var stop = new CancellationTokenSource();
        var outages = PollAsync(admin, stop.Token);
        try
        {
            await Cluster.CrashAsync(Cluster.Controller, Agent);
            await Cluster.UntilAsync("the API server serves a renewed certificate",
                async () => await ServedExpiryAsync() > old.AddDays(300));
            foreach (var name in (string[])["kube-controller-manager", "kube-scheduler"])
                await Cluster.UntilAsync($"{name} was restarted",
                    async () => await Cluster.ProcessOfAsync(name) is var now && now != 0 && now != before[name]);
            await Cluster.WholeAsync();
        }
        finally { await stop.CancelAsync(); }
        var (asked, failed) = await outages;
        Output.WriteLine($"{asked} requests during the renewal");
        Assert.Empty(failed);
        Assert.True(asked > 10, $"only {asked} requests were made");
        Assert.Equal((before["etcd"], before["kube-apiserver"]),
            (await Cluster.ProcessOfAsync("etcd"), await Cluster.ProcessOfAsync("kube-apiserver")));
    }

    private DateTime Expiry() =>
        X509Certificate2.CreateFromPem(File.ReadAllText(Cluster.Controller.PathOf($"{Cluster.Pki}/kube-apiserver.crt"))).NotAfter;

    private async Task<DateTime> ServedExpiryAsync()
    {
        var text = await Cluster.Network.RunAsync("sh", [
            "-c", $"openssl s_client -connect {NativeController.Address}:6443 </dev/null 2>/dev/null | openssl x509"], default);
        return X509Certificate2.CreateFromPem(text).NotAfter;
    }

    private async Task<(int Asked, List<string> Failed)> PollAsync(string kubeconfig, CancellationToken cancellationToken)
    {
        var (asked, failed) = (0, new List<string>());
        for (; !cancellationToken.IsCancellationRequested; asked++)
        {
            try { await Cluster.KubectlAsync("get --raw /readyz", kubeconfig); }
            catch (LabException e) { failed.Add(e.Message); }
            await Task.Delay(250, CancellationToken.None);
        }
        return (asked, failed);
    }
}

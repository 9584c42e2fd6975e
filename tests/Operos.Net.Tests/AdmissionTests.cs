using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>An operator's word, and certificates of a minute: nothing but waiting, in a lane of its own.</summary>
public sealed class AdmissionTests
{
    [Fact]
    public async Task Under_approve_machines_wait_for_the_operator_s_word_and_a_short_certificate_is_renewed_without_a_gap()
    {
        await using var service = await BootService.StartAsync("off", "approve", "[pki]\nworker-certificate = \"1m\"\n");
        var approved = Worker.Start(service, "approved", Worker.Machine(1));
        var rejected = Worker.Start(service, "rejected", Worker.Machine(2));
        var (first, second) = (await approved.ReachAsync("waiting"), await rejected.ReachAsync("waiting"));
        var list = await service.Controller.CtlAsync(["machines", "list"], default);
        Assert.Contains($"operosctl machines approve {first}", list, StringComparison.Ordinal);
        await approved.SaysAsync($"waits for an operator: operosctl machines approve {first}");

        await service.Controller.CtlAsync(["machines", "reject", second], default);
        await service.Controller.CtlAsync(["machines", "approve", first], default);
        var id = await approved.BeUpAsync();
        await rejected.SaysAsync("an operator rejected this machine");
        Assert.Equal("rejected", await Worker.StateAsync(service, second));
        var letIn = await service.Controller.CtlAsync(["machines", "approve", second], default);

        // The rejected one asks again within a minute or so; by then the certificate has been renewed too.
        var renewing = RenewsAsync(service, approved, id);
        await rejected.BeUpAsync(TimeSpan.FromSeconds(90));
        await renewing;
        Assert.Contains("joins when it asks next", letIn, StringComparison.Ordinal);
    }

    /// <summary>Two renewals, each in time, and the operator sees the machine up all the while.</summary>
    private static async Task RenewsAsync(BootService service, Worker worker, string id)
    {
        var path = Path.Combine(worker.StateFolder, "worker.crt");
        var seen = new HashSet<string>();
        var clock = Stopwatch.StartNew();
        await Wait.UntilAsync("two renewals", TimeSpan.FromSeconds(110), async () =>
        {
            using var certificate = X509CertificateLoader.LoadCertificate(await File.ReadAllBytesAsync(path));
            Assert.True(certificate.NotAfter > DateTime.Now, $"the certificate expired at {certificate.NotAfter} and was not renewed");
            seen.Add(certificate.Thumbprint);
            Assert.Equal("up", await Worker.StateAsync(service, id));
            await Task.Delay(1000);
            return seen.Count >= 3;
        }, worker.Log, service.Controller.LogPath);
        // Polling may miss a short gap; the controller does not.
        var log = await File.ReadAllLinesAsync(service.Controller.LogPath);
        Assert.Single(log, line => line.Contains($"Machine {id} is up", StringComparison.Ordinal));
        Assert.DoesNotContain(log, line => line.Contains($"Machine {id} disconnected", StringComparison.Ordinal));
        // Renewing is work for both: twice is enough, a storm would be a defect.
        Assert.Single(log, line => line.Contains($"Machine {id} enrolled", StringComparison.Ordinal));
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(60),
            $"two renewals of a minute's certificate in {clock.Elapsed.TotalSeconds:0} s");
        Assert.Contains("certificate renewed", await service.Controller.CtlAsync(["machines", "show", id], default),
            StringComparison.Ordinal);
    }
}

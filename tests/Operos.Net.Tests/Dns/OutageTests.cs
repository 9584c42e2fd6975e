using System.Diagnostics;
using System.Net;
using static Operos.Net.Tests.Dns.Objects;

namespace Operos.Net.Tests.Dns;

/// <summary>What names outlive: an agent, an API server that is away, a record that cannot be served, a lost zone, a loop.</summary>
[Collection(Lanes.Names)]
public sealed class OutageTests(DnsRack rack) : IClassFixture<DnsRack>
{
    private const string Web = "web.shop.svc.cluster.local", One = "one.db.shop.svc.cluster.local",
        Pod = "10-10-6-7.shop.pod.cluster.local";

    [Fact]
    public async Task An_agent_that_begins_while_the_API_server_is_away_answers_as_the_one_before_did()
    {
        await rack.SetAsync(Service("shop", "10.11.0.20"), Headless(), Endpoints(["10.10.1.5/one"]), Objects.Pod("10.10.6.7"));
        rack.Names.SetComplete();
        // It came as an update: whoever starts knotd again without an agent has it all the same.
        await rack.UntilAsync("the zone's file has what is served", () => Task.FromResult(File.ReadAllText(
            Path.Combine(rack.Authority, "cluster.local.zone")).Contains($"{Web}. 5 IN A 10.11.0.20", StringComparison.Ordinal)));
        await rack.StopServerAsync();
        var lone = Process.Start(rack["knotd"], ["--config", Path.Combine(rack.Authority, "knot.conf")]);
        try
        {
            await rack.UntilAsync("knotd answers alone", async () =>
                (await rack.Host.RunAsync("dig", ["@127.0.53.1", Web, "+short", "+time=1", "+tries=1"], check: false)).Trim()
                    == "10.11.0.20");
        }
        finally
        {
            lone.Kill();
            await lone.WaitForExitAsync();
        }

        await rack.StartServerAsync();
        foreach (var (name, address) in new[] { (Web, "10.11.0.20"), (One, "10.10.1.5"), (Pod, "10.10.6.7") })
            Assert.Equal(address, Assert.Single((await Dig.AskAsync(rack.Machine, name, "A")).Answer).Data);
        Assert.Contains("the API server has not told all", rack.Server.AuthorityStatus.Text, StringComparison.Ordinal);

        // It comes back, and tells one kind after the other.
        rack.Names.Services.Replace([]);
        await rack.UntilAsync("what is gone is gone", async () => (await Dig.AskAsync(rack.Machine, Web, "A")).Status == "NXDOMAIN");
        Assert.Equal("10.10.6.7", Assert.Single((await Dig.AskAsync(rack.Machine, Pod, "A")).Answer).Data);
        rack.Names.ReplaceEndpoints([], bySlices: true);
        rack.Names.Pods.Replace([]);
        rack.Names.SetComplete();
        await rack.UntilAsync("the pod is gone too", async () => (await Dig.AskAsync(rack.Machine, Pod, "A")).Status == "NXDOMAIN");
    }

    [Fact]
    public async Task A_record_that_cannot_be_served_is_left_out_and_told_and_all_others_are_served()
    {
        var port = new string('p', 63);
        await rack.SetAsync(Service("shop", "10.11.0.20"), Service("other", "10.11.0.21", ports: [$"{port}/TCP/80", "ok/TCP/81"]));
        await CheckAsync();
        // By an update, and by what it begins with.
        Process.GetProcessById(rack.Server.AuthorityProcess!.Value).Kill();
        await rack.UntilAsync("another knotd answers", async () =>
            (await Dig.AskAsync(rack.Machine, Web, "A", "+time=1")).Answer.Count == 1);
        await CheckAsync();
        Assert.Contains($"left out: _{port}._tcp.web.other.svc.cluster.local", File.ReadAllText(rack["dns.log"]), StringComparison.Ordinal);

        async Task CheckAsync()
        {
            foreach (var (name, address) in new[] { (Web, "10.11.0.20"), ("web.other.svc.cluster.local", "10.11.0.21") })
                Assert.Equal(address, Assert.Single((await Dig.AskAsync(rack.Machine, name, "A")).Answer).Data);
            Assert.Single((await Dig.AskAsync(rack.Machine, "_ok._tcp.web.other.svc.cluster.local", "SRV")).Answer);
            var (healthy, text, _) = rack.Server.AuthorityStatus;
            Assert.True(healthy, text);
            Assert.Contains("cannot be served: 1, such as _p", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_zone_that_is_not_served_is_told_though_the_daemon_answers()
    {
        await rack.SetAsync(Service("shop", "10.11.0.20"));
        await rack.Host.RunAsync("knotc", ["-b", "-f", "-s",
            Path.Combine(rack.Authority, "knot.sock"), "zone-purge", "+expire", "cluster.local"]);
        await rack.UntilAsync("it is told", () => Task.FromResult(rack.Server.AuthorityStatus is { Healthy: false } status
            && status.Text.Contains("does not serve the zone cluster.local", StringComparison.Ordinal)), seconds: 40);
        Process.GetProcessById(rack.Server.AuthorityProcess!.Value).Kill();
        await rack.UntilAsync("all is well again", async () => rack.Server.AuthorityStatus.Healthy
            && (await Dig.AskAsync(rack.Machine, Web, "A", "+time=1")).Answer.Count == 1, seconds: 40);
    }

    [Fact]
    public async Task A_resolver_that_asks_us_in_turn_is_told_and_told_no_more_once_it_does_not()
    {
        await rack.SetAsync(Service("shop", "10.11.0.20"));
        rack.StopUpstream();
        rack.StartUpstream(forwardTo: "10.77.0.1");
        try
        {
            await rack.UntilAsync("it is told", () => Task.FromResult(rack.Server.ResolverStatus is { Healthy: false } status
                && status.Text.Contains($"{DnsRack.Upstream} asks this name server in turn", StringComparison.Ordinal)));
            Assert.Equal("10.11.0.20", Assert.Single((await Dig.AskAsync(rack.Machine, Web, "A")).Answer).Data);
        }
        finally
        {
            rack.StopUpstream();
            rack.StartUpstream(zone: "redirect");
        }
        // One that has an answer of its own for every name, this one too, asks nobody in turn.
        await rack.UntilAsync("it is told no more", () => Task.FromResult(rack.Server.ResolverStatus.Healthy));
        Assert.Equal($"others from {DnsRack.Upstream}", rack.Server.ResolverStatus.Text);
        rack.StopUpstream();
        rack.StartUpstream(zone: "refuse");
        await rack.UntilAsync("it is told that it knows nothing", () => Task.FromResult(rack.Server.ResolverStatus.Text
            == $"others from {DnsRack.Upstream}; {DnsRack.Upstream} answers that names cannot be found now"));
        rack.StopUpstream();
        rack.StartUpstream();
        await rack.UntilAsync("the world is answered for", async () =>
            (await Dig.AskAsync(rack.Machine, "www.example.com", "A")).Answer.Any(record => record.Data == DnsRack.WorldAddress));
    }
}

using static Operos.Net.Tests.Dns.Objects;

namespace Operos.Net.Tests.Dns;

/// <summary>Kubernetes DNS-Based Service Discovery 1.1.0, section by section, asked of the real name server from another host.</summary>
[Collection(Lanes.Names)]
public sealed class ConformanceTests(DnsRack rack) : IClassFixture<DnsRack>
{
    private const int LongestLife = 5;
    private const string Uuid = "1b4e28ba-2fa1-41d2-883f-0016d3cca427", Other = "6fa459ea-ee8a-4ca4-894e-db77e160355e";

    /// <param name="Answer">The answer section, as "TYPE data" in order of the chain; equal types in any order.</param>
    public sealed record Question(string Name, string Type, string Status, params string[] Answer);

    /// <summary>A cluster, and what it must answer.</summary>
    public sealed record Case(string Name, object[] Cluster, params Question[] Questions)
    {
        public override string ToString() => Name;
    }

    private static readonly Case[] Cases =
    [
        new("2.2 schema version", [],
            new Question("dns-version.cluster.local", "TXT", "NOERROR", "TXT \"1.1.0\""),
            new Question("dns-version.cluster.local", "A", "NOERROR")),
        new("2.3 a service with an address", [Service("shop", "10.11.0.20",
            ports: ["http/TCP/80", "dns/UDP/53", "assoc/SCTP/9", "/TCP/443"])],
            new Question("web.shop.svc.cluster.local", "A", "NOERROR", "A 10.11.0.20"),
            new Question("WEB.Shop.SVC.cluster.LOCAL", "A", "NOERROR", "A 10.11.0.20"),
            new Question("web.shop.svc.cluster.local", "AAAA", "NOERROR"),
            new Question("web.shop.svc.cluster.local", "TXT", "NOERROR"),
            new Question("_http._tcp.web.shop.svc.cluster.local", "SRV", "NOERROR", "SRV 0 100 80 web.shop.svc.cluster.local."),
            new Question("_dns._udp.web.shop.svc.cluster.local", "SRV", "NOERROR", "SRV 0 100 53 web.shop.svc.cluster.local."),
            new Question("_assoc._sctp.web.shop.svc.cluster.local", "SRV", "NOERROR", "SRV 0 100 9 web.shop.svc.cluster.local."),
            new Question("_http._udp.web.shop.svc.cluster.local", "SRV", "NXDOMAIN"),
            new Question("_https._tcp.web.shop.svc.cluster.local", "SRV", "NXDOMAIN"),
            new Question("_tcp.web.shop.svc.cluster.local", "SRV", "NOERROR"),
            new Question("20.0.11.10.in-addr.arpa", "PTR", "NOERROR", "PTR web.shop.svc.cluster.local."),
            new Question("21.0.11.10.in-addr.arpa", "PTR", "NXDOMAIN")),
        new("names that are not there", [Service("shop", "10.11.0.20")],
            new Question("nope.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("web.nope.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("x.web.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("web.shop.cluster.local", "A", "NXDOMAIN"),
            new Question("shop.svc.cluster.local", "A", "NOERROR"),
            new Question("svc.cluster.local", "A", "NOERROR"),
            new Question("www.example.com.shop.svc.cluster.local", "A", "NXDOMAIN")),
        new("2.3 a service of both families", [Service("shop", "10.11.0.21", addresses: ["10.11.0.21", "fd00:11::21"],
            ports: ["http/TCP/80"])],
            new Question("web.shop.svc.cluster.local", "A", "NOERROR", "A 10.11.0.21"),
            new Question("web.shop.svc.cluster.local", "AAAA", "NOERROR", "AAAA fd00:11::21"),
            new Question("_http._tcp.web.shop.svc.cluster.local", "SRV", "NOERROR", "SRV 0 100 80 web.shop.svc.cluster.local.")),
        new("a service that has no address yet", [Service("shop", null, ports: ["http/TCP/80"])],
            new Question("web.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("_http._tcp.web.shop.svc.cluster.local", "SRV", "NXDOMAIN")),
        new("a service's endpoints have no names of their own",
            [Service("shop", "10.11.0.22", name: "db", ports: ["http/TCP/80"]), Endpoints(["10.10.1.5/one"], ports: ["http/TCP/8080"])],
            new Question("db.shop.svc.cluster.local", "A", "NOERROR", "A 10.11.0.22"),
            new Question("_http._tcp.db.shop.svc.cluster.local", "SRV", "NOERROR", "SRV 0 100 80 db.shop.svc.cluster.local."),
            new Question("one.db.shop.svc.cluster.local", "A", "NXDOMAIN")),
        new("2.4 headless, with and without hostnames", [
            Headless(ports: ["sql/TCP/5432"]), Endpoints(
            ["10.10.1.5/one", "10.10.2.6/two", "10.10.3.7"], ["10.10.4.8/four"], ["sql/TCP/15432"])],
            new Question("db.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.1.5", "A 10.10.2.6", "A 10.10.3.7"),
            new Question("one.db.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.1.5"),
            new Question("10-10-3-7.db.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.3.7"),
            new Question("four.db.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("10-10-1-5.db.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("_sql._tcp.db.shop.svc.cluster.local", "SRV", "NOERROR",
                "SRV 0 100 15432 10-10-3-7.db.shop.svc.cluster.local.", "SRV 0 100 15432 one.db.shop.svc.cluster.local.",
                    "SRV 0 100 15432 two.db.shop.svc.cluster.local."),
            new Question("5.1.10.10.in-addr.arpa", "PTR", "NOERROR", "PTR one.db.shop.svc.cluster.local."),
            new Question("7.3.10.10.in-addr.arpa", "PTR", "NOERROR", "PTR 10-10-3-7.db.shop.svc.cluster.local."),
            new Question("8.4.10.10.in-addr.arpa", "PTR", "NXDOMAIN")),
        new("2.4 headless, one hostname with several addresses", [Headless(), Endpoints(["10.10.1.5/one", "10.10.2.6/one"])],
            new Question("one.db.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.1.5", "A 10.10.2.6")),
        new("2.4 headless, none ready", [Headless(ports: ["sql/TCP/5432"]), Endpoints([], ["10.10.4.8/four"], ["sql/TCP/5432"])],
            new Question("db.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("_sql._tcp.db.shop.svc.cluster.local", "SRV", "NXDOMAIN")),
        new("2.4 headless, no endpoints at all", [Headless()], new Question("db.shop.svc.cluster.local", "A", "NXDOMAIN")),
        new("2.1 publishNotReadyAddresses", [Headless(publishNotReady: true), Endpoints(["10.10.1.5/one"], ["10.10.4.8/four"])],
            new Question("db.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.1.5", "A 10.10.4.8"),
            new Question("four.db.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.4.8")),
        new("2.1 its annotation", [Headless(tolerate: true), Endpoints([], ["10.10.4.8/four"])],
            new Question("db.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.4.8")),
        new("2.4 headless of IPv6, by EndpointSlice", [Headless(), Slice("IPv6", "fd00:10::5", null, ready: true, "sql/TCP/5432")],
            new Question("db.shop.svc.cluster.local", "AAAA", "NOERROR", "AAAA fd00:10::5"),
            new Question("db.shop.svc.cluster.local", "A", "NOERROR"),
            new Question("_sql._tcp.db.shop.svc.cluster.local", "SRV", "NOERROR",
                "SRV 0 100 5432 fd00-10-0-0-0-0-0-5.db.shop.svc.cluster.local."),
            new Question("fd00-10-0-0-0-0-0-5.db.shop.svc.cluster.local", "AAAA", "NOERROR", "AAAA fd00:10::5")),
        new("an EndpointSlice that does not say ready", [Headless(), Slice("IPv4", "10.10.5.9", "five", ready: null)],
            new Question("five.db.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.5.9")),
        new("an EndpointSlice that is not ready", [Headless(), Slice("IPv4", "10.10.5.9", "five", ready: false)],
            new Question("db.shop.svc.cluster.local", "A", "NXDOMAIN")),
        new("an address outside the cluster is served, its reverse name is not ours", [Headless(), Endpoints(["203.0.113.5/far"])],
            new Question("far.db.shop.svc.cluster.local", "A", "NOERROR", "A 203.0.113.5"),
            new Question("5.113.0.203.in-addr.arpa", "PTR", "NXDOMAIN")),
        new("2.5 an external name is followed", [External("www.example.com")],
            new Question("ext.shop.svc.cluster.local", "A", "NOERROR", "CNAME www.example.com.", "A 198.51.100.7"),
            new Question("ext.shop.svc.cluster.local", "AAAA", "NOERROR", "CNAME www.example.com.", "AAAA 2001:db8::7"),
            new Question("ext.shop.svc.cluster.local", "CNAME", "NOERROR", "CNAME www.example.com."),
            new Question("ext.shop.svc.cluster.local", "TXT", "NOERROR", "CNAME www.example.com.")),
        new("2.5 an external name with a last dot and capitals", [External("WWW.Example.com.")],
            new Question("ext.shop.svc.cluster.local", "A", "NOERROR", "CNAME www.example.com.", "A 198.51.100.7")),
        new("2.5 an external name that does not exist", [External("gone.example.com")],
            new Question("ext.shop.svc.cluster.local", "A", "NXDOMAIN", "CNAME gone.example.com.")),
        new("2.5 an external name within the cluster", [External("web.shop.svc.cluster.local"), Service("shop", "10.11.0.23")],
            new Question("ext.shop.svc.cluster.local", "A", "NOERROR", "CNAME web.shop.svc.cluster.local.", "A 10.11.0.23")),
        new("2.5 external names in a circle", [External("two.shop.svc.cluster.local"), External("ext.shop.svc.cluster.local", "two"),
            Service("shop", "10.11.0.24")],
            new Question("ext.shop.svc.cluster.local", "A", "SERVFAIL"),
            new Question("web.shop.svc.cluster.local", "A", "NOERROR", "A 10.11.0.24")),
        new("an external name that is an address", [External("192.0.2.1")], new Question("ext.shop.svc.cluster.local", "A", "NXDOMAIN")),
        new("2.6 a pod, and an address that is no pod's", [Pod("10.10.6.7"), Pod("10.10.6.8", "Succeeded")],
            new Question("10-10-6-7.shop.pod.cluster.local", "A", "NOERROR", "A 10.10.6.7"),
            new Question("10-10-6-7.other.pod.cluster.local", "A", "NXDOMAIN"),
            new Question("10-10-6-8.shop.pod.cluster.local", "A", "NXDOMAIN"),
            new Question("192-0-2-1.shop.pod.cluster.local", "A", "NXDOMAIN")),
        new("machines", [Machine(Uuid, "rack1-a", "10.77.0.101"), Machine(Other, null, "10.77.0.102")],
            new Question($"{Uuid}.machines.operos.internal", "A", "NOERROR", "A 10.77.0.101"),
            new Question("rack1-a.machines.operos.internal", "A", "NOERROR", "A 10.77.0.101"),
            new Question("101.0.77.10.in-addr.arpa", "PTR", "NOERROR", "PTR rack1-a.machines.operos.internal."),
            new Question("102.0.77.10.in-addr.arpa", "PTR", "NOERROR", $"PTR {Other}.machines.operos.internal."),
            new Question("nope.machines.operos.internal", "A", "NXDOMAIN")),
        new("a machine named like another's UUID", [Machine(Uuid, Other, "10.77.0.101"), Machine(Other, null, "10.77.0.102")],
            new Question($"{Other}.machines.operos.internal", "A", "NOERROR", "A 10.77.0.102")),
        new("names that are none have no records, and harm no others",
            [Service("shop", "10.11.0.25"), Service("a b", "10.11.0.26"), Service("shop", "010.11.0.27", name: "octal"),
            Service("shop", "10.11.0.28", name: "x\n$INCLUDE /etc/shadow"),
                Service("shop", "10.11.0.29", name: "ports", ports: ["a.b/TCP/80", "big/TCP/70000", "odd/ICMP/1", "ok/TCP/81"]),
                    External("www.example.com. A 1.2.3.4", "bad"), External(new string('a', 64) + ".com", "long"), Headless("hosts"),
                    Endpoints(["10.10.9.9/-x", "10.10.9.10/a.b"], name: "hosts")],
            new Question("web.shop.svc.cluster.local", "A", "NOERROR", "A 10.11.0.25"),
            new Question("octal.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("26.0.11.10.in-addr.arpa", "PTR", "NXDOMAIN"),
            new Question("28.0.11.10.in-addr.arpa", "PTR", "NXDOMAIN"),
            new Question("_ok._tcp.ports.shop.svc.cluster.local", "SRV", "NOERROR", "SRV 0 100 81 ports.shop.svc.cluster.local."),
            new Question("_big._tcp.ports.shop.svc.cluster.local", "SRV", "NXDOMAIN"),
            new Question("_odd._icmp.ports.shop.svc.cluster.local", "SRV", "NXDOMAIN"),
            new Question("bad.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("long.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("hosts.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.9.10", "A 10.10.9.9"),
            new Question("10-10-9-9.hosts.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.9.9")),
        new("1,500 endpoints: an answer that needs TCP, a change that needs several messages",
            [Headless(ports: ["sql/TCP/5432"]), Endpoints([.. Enumerable.Range(0, 1500)
                .Select(number => $"10.10.{number / 250}.{number % 250 + 1}/host-{number}")], ports: ["sql/TCP/5432"])],
            new Question("db.shop.svc.cluster.local", "A", "NOERROR",
                [.. Enumerable.Range(0, 1500).Select(number => $"A 10.10.{number / 250}.{number % 250 + 1}")]),
            new Question("host-1499.db.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.5.250")),
        new("and all of them gone", [Service("shop", "10.11.0.30")],
            new Question("db.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("host-7.db.shop.svc.cluster.local", "A", "NXDOMAIN"),
            new Question("8.0.10.10.in-addr.arpa", "PTR", "NXDOMAIN")),
        new("a service becomes an external name", [External("www.example.com", "web")],
            new Question("web.shop.svc.cluster.local", "A", "NOERROR", "CNAME www.example.com.", "A 198.51.100.7")),
        new("and a service again, headless this time", [Headless("web"), Endpoints(["10.10.1.1"], name: "web")],
            new Question("web.shop.svc.cluster.local", "A", "NOERROR", "A 10.10.1.1")),
        new("other names", [],
            new Question("www.example.com", "A", "NOERROR", "A 198.51.100.7"),
            new Question("gone.example.com", "A", "NXDOMAIN"),
            new Question("fourteen.172.in-addr.arpa", "PTR", "NOERROR", "PTR known.example.com.")),
    ];

    [Fact]
    public async Task Every_question_gets_the_answer_of_the_specification()
    {
        var wrong = new List<string>();
        foreach (var @case in Cases)
        {
            await rack.SetAsync(@case.Cluster);
            foreach (var question in @case.Questions)
                if (await CheckAsync(question) is { } problem) wrong.Add($"{@case}: {question.Type} {question.Name}: {problem}");
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} wrong:\n{string.Join('\n', wrong)}");
    }

    private async Task<string?> CheckAsync(Question question)
    {
        var got = await Dig.AskAsync(rack.Machine, question.Name, question.Type);
        if (got.Status != question.Status) return $"{got.Status} and not {question.Status}\n{got.Text}";
        if (!Sorted(got.Answer.Select(record => record.ToString())).SequenceEqual(Sorted(question.Answer)))
            return $"another answer\n{got.Text}";
        if (got.Answer.Count > 0 && question.Answer[0].StartsWith("CNAME", StringComparison.Ordinal) && got.Answer[0].Type != "CNAME")
            return $"the chain does not begin with its CNAME\n{got.Text}";
        var ours = got.Answer.Where(record =>
            record.Owner.EndsWith("cluster.local.", StringComparison.OrdinalIgnoreCase)
            || record.Owner.EndsWith("operos.internal.", StringComparison.Ordinal));
        if (ours.FirstOrDefault(record => record.TimeToLive > LongestLife) is { } old) return $"{old} may be kept for {old.TimeToLive} s";
        // What a negative answer may be remembered for is the SOA record's to say (RFC 2308, 5).
        if (got.Answer.Count > 0 || got.Status == "SERVFAIL" || !question.Name.Contains("cluster", StringComparison.Ordinal)) return null;
        return got.Authority.SingleOrDefault() is { Type: "SOA", TimeToLive: <= LongestLife } soa
            && soa.Data.EndsWith($" {LongestLife}", StringComparison.Ordinal) ? null : $"no SOA, or too long a life\n{got.Text}";
    }

    private static IEnumerable<string> Sorted(IEnumerable<string> records) => records.Order(StringComparer.Ordinal);
}

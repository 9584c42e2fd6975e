using System.Net;
using System.Text;

namespace Operos.Names;

/// <summary>
/// Configuration of unbound, whom pods and machines ask (unbound.conf(5), 1.17 and later): our zones from knotd, uncached,
/// all else from the servers above.
/// </summary>
internal static class UnboundConfiguration
{
    public const string User = "unbound";
    /// <summary>
    /// Queries a second from one address; of those above it every tenth is answered, so that a spoofed address is not shut out.
    /// </summary>
    private const int ClientRate = 3000;

    /// <param name="clients">Networks that are answered, beside loopback; all others are refused.</param>
    /// <param name="upstream">Servers for all other names; with none those are refused.</param>
    /// <param name="secretName">A name that is answered here and nowhere else, by which a loop is found.</param>
    public static string Write(ZonePlan plan, IPEndPoint authority, IEnumerable<IPNetwork> clients, IReadOnlyList<IPAddress> upstream,
        string secretName, string folder)
    {
        var text = new StringBuilder($"""
            # Written by operos-controller: changes here are lost. See /etc/operos/controller.toml.
            server:
                directory: "{folder}"
                chroot: ""
                username: {User}
                pidfile: ""
                use-syslog: no
                interface: {plan.Server}@53
                do-ip6: no
                num-threads: 1
                module-config: "iterator"
                hide-identity: yes
                hide-version: yes
                deny-any: yes
                rrset-roundrobin: yes
                # Our authority is on loopback and knows the whole name at once.
                do-not-query-localhost: no
                qname-minimisation: no
                # A server that was away is asked again soon.
                infra-host-ttl: 5
                infra-keep-probing: yes
                # The bounds of what hostile clients can take: memory, connections, rate.
                msg-cache-size: 8m
                rrset-cache-size: 16m
                infra-cache-numhosts: 1000
                key-cache-size: 1m
                neg-cache-size: 1m
                incoming-num-tcp: 100
                tcp-idle-timeout: 10000
                max-udp-size: 1232
                # Questions that wait for others hold a place each: no client may have all, and bursts wait in the kernel.
                num-queries-per-thread: 4096
                outgoing-range: 8192
                wait-limit: 200
                so-rcvbuf: 4m
                ip-ratelimit: {ClientRate}
                ip-ratelimit-size: 1m
                # Reverse names of private networks may be known above.
                unblock-lan-zones: yes
                access-control: 127.0.0.0/8 allow

            """);
        foreach (var client in clients) text.Append(null, $"    access-control: {client} allow\n");
        // Our zones may lie below names that the server would not ask anybody about (RFC 6303).
        foreach (var zone in plan.Zones) text.Append(null, $"    local-zone: \"{zone}\" transparent\n");
        if (upstream.Count == 0) text.Append("    local-zone: \".\" refuse\n");
        text.Append(null, $"    local-zone: \"{secretName}\" static\n    local-data: \"{secretName}. 0 IN TXT {SecretName.Text}\"\n");
        text.Append("remote-control:\n    control-enable: no\n");
        foreach (var zone in plan.Zones)
            text.Append(null,
            $"stub-zone:\n    name: \"{zone}\"\n    stub-addr: {authority.Address}@{authority.Port}\n    stub-no-cache: yes\n");
        if (upstream.Count == 0) return text.ToString();
        text.Append("forward-zone:\n    name: \".\"\n");
        foreach (var server in upstream) text.Append(null, $"    forward-addr: {server}\n");
        return text.ToString();
    }
}

using System.Net;
using System.Text;

namespace Operos.Names;

/// <summary>
/// Configuration of knotd, which holds the zones and answers the resolver on loopback alone (knot.conf(5), 3.2 and later).
/// </summary>
internal static class KnotConfiguration
{
    public const string User = "knot";

    public static string Write(ZonePlan plan, IPEndPoint listen, TransactionKey key, string folder)
    {
        var text = new StringBuilder($"""
            # Written by operos-controller: changes here are lost.
            server:
                rundir: {folder}
                user: {User}
                listen: {listen.Address}@{listen.Port}
                version: ""
                identity: ""
                udp-workers: 1
                tcp-workers: 1
                background-workers: 1
            database:
                storage: {folder}
            log:
              - target: stderr
                any: info
            key:
              - id: {key.Name}
                algorithm: {TransactionKey.Algorithm}
                secret: {key.Secret}
            acl:
              - id: publisher
                address: 127.0.0.0/8
                key: {key.Name}
                action: update
            template:
              - id: default
                storage: {folder}
                file: "%s.zone"
                acl: publisher
                # The zones are written anew at each start: nothing to keep, nothing to write back.
                journal-content: none
                zonefile-sync: -1
            zone:

            """);
        foreach (var zone in plan.Zones) text.Append(null, $"  - domain: {zone}\n");
        return text.ToString();
    }
}

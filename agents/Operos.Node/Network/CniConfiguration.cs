using System.Net;
using System.Text;
using Operos.Kubernetes;
using Operos.Linux;

namespace Operos.Node.Network;

/// <summary>
/// The list of CNI plugins that gives a pod its network (CNI specification 1.0.0): a routed veth pair and an address of this node, host
/// ports, then our own, which holds the pod back until its policy is in force. No bridge: every packet of a pod passes the host's forward
/// hook.
/// </summary>
public static class CniConfiguration
{
    /// <summary>Sorts before what an add-on would write.</summary>
    public const string FileName = "10-operos.conflist";

    /// <summary>Writes it where it differs, in one step: the runtime reads the folder whenever it changes.</summary>
    /// <returns>Whether it was written.</returns>
    public static bool Install(NodePaths paths, IPNetwork pods, int mtu)
    {
        var path = Path.Combine(paths.CniConfiguration, FileName);
        var contents = Encoding.UTF8.GetBytes(Write(pods, mtu, paths.AddressLeases, paths.GateSocket));
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(contents)) return false;
        Directory.CreateDirectory(paths.CniConfiguration);
        AtomicFile.Write(path, contents, FileModes.Readable);
        return true;
    }

    public static void Remove(NodePaths paths)
    {
        var path = Path.Combine(paths.CniConfiguration, FileName);
        if (File.Exists(path)) AtomicFile.Delete(path);
    }

    internal static string Write(IPNetwork pods, int mtu, string leases, string gate) => YamlText.Write($$"""
        {
          "cniVersion": "1.0.0",
          "name": "operos",
          "plugins": [
            {
              "type": "ptp",
              "mtu": {{mtu}},
              "ipMasq": false,
              "ipam": {
                "type": "host-local",
                "dataDir": {{leases}},
                "ranges": [[{ "subnet": {{pods}} }]],
                "routes": [{ "dst": "0.0.0.0/0" }]
              }
            },
            {
              "type": "portmap",
              "snat": true,
              "capabilities": { "portMappings": true }
            },
            {
              "type": "operos",
              "socket": {{gate}}
            }
          ]
        }

        """);
}

using System.Text;

namespace Operos.Ceph.Monitors;

/// <summary>Keyrings, as Ceph's daemons and clients read them.</summary>
internal static class Keyring
{
    /// <summary>What the monitor's store is made with: all who must be let in before anybody can ask for more.</summary>
    public static byte[] Initial(CephIdentity identity) => Encoding.ASCII.GetBytes(
        Entry("mon.", identity.MonitorKey, ("mon", "allow *"))
        + Entry("client.admin", identity.AdminKey, ("mon", "allow *"), ("osd", "allow *"), ("mgr", "allow *"), ("mds", "allow *"))
        + Entry($"mgr.{MonitorPaths.Name}", identity.ManagerKey, ("mon", "allow profile mgr"), ("osd", "allow *"), ("mds", "allow *")));

    /// <summary>Of one daemon or client; for the monitor also with what it may.</summary>
    public static byte[] Of(string name, string key, params (string Service, string Allowed)[] capabilities) =>
        Encoding.ASCII.GetBytes(Entry(name, key, capabilities));

    private static string Entry(string name, string key, params (string Service, string Allowed)[] capabilities) =>
        $"[{name}]\n\tkey = {key}\n"
        + string.Concat(capabilities.Select(one => $"\tcaps {one.Service} = \"{one.Allowed}\"\n"));
}

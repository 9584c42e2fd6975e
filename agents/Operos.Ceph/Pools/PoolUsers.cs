using System.Text.Json;
using Operos.Ceph.Monitors;
using Operos.Linux.Ceph;

namespace Operos.Ceph.Pools;

/// <summary>As whom machines map images: one each, which may do with the pool's images what a client must, and nothing else.</summary>
internal sealed class PoolUsers(MonitorClient client)
{
    private static readonly (string Service, string Allowed)[] Capabilities =
        [("mon", "profile rbd"), ("osd", $"profile rbd pool={PoolPlan.Name}")];

    /// <summary>Of a machine, as the kernel has it: without <c>client.</c>.</summary>
    public static string NameOf(Guid machine) => $"operos-{machine}";

    /// <summary>Makes one that may do so with this key; one that is so already is left alone.</summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public async Task LetInAsync(Guid machine, CephKey key, CancellationToken cancellationToken)
    {
        var entity = $"client.{NameOf(machine)}";
        if (await IsLetInAsync(entity, key, cancellationToken).ConfigureAwait(false)) return;
        await client.SendAsync(new CephCommand("auth import") { Input = Keyring.Of(entity, key.Text, Capabilities) }, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Takes it away; one that is not there is none. Who is connected as it stays so, for as long as its ticket lasts.</summary>
    /// <exception cref="IOException">The monitor does not answer.</exception>
    public Task RemoveAsync(Guid machine, CancellationToken cancellationToken) =>
        client.SendAsync(new CephCommand("auth rm").With("entity", $"client.{NameOf(machine)}"), cancellationToken);

    private async Task<bool> IsLetInAsync(string entity, CephKey key, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await client.AskAsync(new CephCommand("auth get").With("entity", entity), cancellationToken).ConfigureAwait(false);
            return reply is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() == 1
                && list[0].TextOf("key") == key.Text && list[0].MembersOf("caps").Count == Capabilities.Length
                && Capabilities.All(one => list[0].Member("caps").TextOf(one.Service) == one.Allowed);
        }
        catch (IOException e) when (e.InnerException is RadosException { IsMissing: true }) { return false; }
    }
}

namespace Operos.Node.Network;

/// <summary>
/// What kube-proxy, the kubelet and the plugin portmap wrote into iptables: on a machine that is no node any more it would lead packets to
/// pods that are gone. Rules and chains of anybody else stay.
/// </summary>
internal static class ServiceRules
{
    private static readonly string[] Chains = ["KUBE-", "CNI-"];

    /// <summary>Takes them away, each family in one transaction; to be called when nobody writes them any more.</summary>
    /// <exception cref="NodeException">A program is missing or the kernel refused.</exception>
    public static async Task ClearAsync(CancellationToken cancellationToken)
    {
        foreach (var program in (string[])["iptables", "ip6tables"])
        {
            var present = await HostProgram.RunAsync($"{program}-save", [], cancellationToken).ConfigureAwait(false);
            var others = Without(present);
            if (others != present)
                await HostProgram.RunAsync($"{program}-restore", ["--wait", "10"], cancellationToken, others).ConfigureAwait(false);
        }
    }

    /// <summary>A table as iptables-save(8) prints it, without these chains and what leads to them.</summary>
    internal static string Without(string saved) =>
        string.Concat(saved.Split('\n').Where(line => line.Length > 0 && !IsOurs(line)).Select(line => line + "\n"));

    private static bool IsOurs(string line) => Chains.Any(chain =>
        line.StartsWith($":{chain}", StringComparison.Ordinal) || line.StartsWith($"-A {chain}", StringComparison.Ordinal)
        || line.Contains($" -j {chain}", StringComparison.Ordinal) || line.Contains($" -g {chain}", StringComparison.Ordinal));
}

using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using Operos.Kubernetes;
using Operos.Node;
using Operos.Node.Cni;
using Operos.Node.Network;
using Operos.Node.Policies;
using Operos.Policy;

// What a worker's agent runs of the API: the cluster's nodes for its network, and pods, namespaces and policies for its rules. Compiled
// from this commit and from one before the watch cache (build.sh), and asked by tests/Operos.Bench. Arguments: URL, CA, client PEM,
// node's name, folder.
// Each line of input is answered by one: compilations, nodes, whether rules are in force.
var (url, authority, credential, name, folder) = (args[0], args[1], args[2], args[3], args[4]);
using var client = new ApiClient(new ApiAccess { Server = new Uri(url), AuthorityFile = authority, CertificateFile = credential,
    KeyFile = credential, Agent = "operos-node" });
var steps = new NodeStepBoard(TimeProvider.System);
using var gate = new PolicyGate(new AttachedPods(Path.Combine(folder, "attached")), steps, NullLogger<PolicyGate>.Instance);
var nodes = new ClusterNodes();
long compilations = 0;
using var stop = new CancellationTokenSource();
Task[] running =
[
#if BEFORE
    gate.RunAsync(name, client, stop.Token),
#else
    gate.RunAsync(name, null, client, stop.Token),
#endif
    nodes.FollowAsync(client, () =>
        { if (nodes.All.FirstOrDefault(node => node.Name == name)?.Pods is { } pods) gate.SetPods(name, pods); }, stop.Token),
    CountAsync(),
];
while (await Console.In.ReadLineAsync() is not null)
{
    if (running.FirstOrDefault(task => task.IsFaulted) is { } failed) await failed;
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{Interlocked.Read(ref compilations)} {nodes.All.Count} {Reflected.Enforcer(gate)?.State.InForceSince is not null}"));
}
await stop.CancelAsync();

async Task CountAsync()
{
#if BEFORE
    // The old build has no count: each compilation ends with another state.
    EnforcerState? last = null;
#endif
    while (true)
    {
#if BEFORE
        var now = Reflected.Enforcer(gate)?.State;
        if (now?.InForceSince is not null && now.InForceSince != last?.InForceSince) Interlocked.Increment(ref compilations);
        last = now;
#else
        Interlocked.Exchange(ref compilations, Reflected.Enforcer(gate)?.State.Compilations ?? 0);
#endif
        await Task.Delay(5, stop.Token);
    }
}

/// <summary>What the gate keeps to itself.</summary>
internal static class Reflected
{
    public static PolicyEnforcer? Enforcer(PolicyGate gate) => Field(gate);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "enforcer")]
    private static extern ref PolicyEnforcer? Field(PolicyGate gate);
}

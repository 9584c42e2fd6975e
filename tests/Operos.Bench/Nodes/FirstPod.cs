using Operos.Lab;

namespace Operos.Bench.Nodes;

/// <summary>
/// A pod that is declared before there is a node, and tells of the node once that has idled, in its last words (the termination message).
/// </summary>
internal static class FirstPod
{
    public const string Name = "first";
    private const int IdleSeconds = 60;

    private static readonly string Manifest = $$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{Name}}}
        spec:
          automountServiceAccountToken: false
          terminationGracePeriodSeconds: 1
          restartPolicy: Never
          hostPID: true
          containers:
          - name: {{Name}}
            image: operos/sample:1
            imagePullPolicy: Never
            command: ["sh", "-c"]
            args:
            - |
              sleep {{IdleSeconds}}
              agents=$(grep -l -x -E '{{string.Join('|', NodeMemory.Agents)}}' /proc/[0-9]*/comm | sed s/comm/status/)
              { cat /proc/meminfo; grep -H -E '^(Name|VmRSS):' $agents; } > /dev/termination-log

        """;

    public static async Task DeclareAsync(Kubectl kubectl, LabFolder folder)
    {
        await File.WriteAllTextAsync(folder["first.yaml"], Manifest);
        await kubectl.RunAsync(default, "apply", "-f", folder["first.yaml"]);
    }

    public static async Task<NodeMemory> MemoryAsync(Kubectl kubectl, TimeSpan patience) =>
        NodeMemory.Parse(await kubectl.WaitAsync(text =>
            text.Contains("MemTotal", StringComparison.Ordinal), patience, default, "get", "pod", Name, "-o",
            "jsonpath={.status.containerStatuses[0].state.terminated.message}"));

    /// <summary>Without its node nobody else would say that it ended.</summary>
    public static Task RemoveAsync(Kubectl kubectl) =>
        kubectl.RunAsync(default, "delete", "pod", Name, "--force", "--grace-period=0", "--ignore-not-found");
}

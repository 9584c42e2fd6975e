using Operos.Proto;

namespace Operos.Node;

/// <summary>How far a node is, step by step, for each heartbeat. Whoever does a step says so here.</summary>
public sealed class NodeStepBoard(TimeProvider time)
{
    public const string Firewall = "firewall", Certificates = "certificates", Disks = "disks", Configuration = "configuration",
        Containerd = "containerd", Memory = "memory", Images = "images", Kubelet = "kubelet", KubeProxy = "kube-proxy",
        Network = "network", Policy = "policy";

    private const string Unregistered = "its kubelet has not registered it";
    private const int MaxText = 500;
    private readonly Lock stepsLock = new();
    private readonly List<NodeStep> steps = [];
    private volatile string? notReady = Unregistered;

    public IReadOnlyList<NodeStep> Steps
    {
        get { lock (stepsLock) return [.. steps]; }
    }

    /// <summary>
    /// Why the Node is not Ready, as the API server said last; null where it is. No step: the controller sees it by itself, and more of it.
    /// </summary>
    public string? NotReady => notReady;

    /// <param name="ready">Null where the API server has no such Node.</param>
    public void SetReady(bool? ready) => notReady = ready switch
    {
        null => Unregistered,
        false => "its kubelet does not say yet that it is Ready",
        true => null,
    };

    /// <summary>Names the steps in the order in which they happen.</summary>
    public void Begin(params IReadOnlyList<string> names)
    {
        lock (stepsLock)
        {
            steps.Clear();
            notReady = Unregistered;
            foreach (var name in names)
                steps.Add(new NodeStep { Name = name, Done = false, Text = NodeStep.NotBegun, SinceUnixMs = Now() });
        }
    }

    public void Clear()
    {
        lock (stepsLock) steps.Clear();
    }

    /// <param name="text">What it waits for, its last error, or what a done step has to say.</param>
    /// <returns>Whether this is news.</returns>
    public bool Set(string name, bool done, string text = "")
    {
        if (text.Length > MaxText) text = text[..MaxText];
        lock (stepsLock)
        {
            var index = steps.FindIndex(step => step.Name == name);
            var old = index < 0 ? null : steps[index];
            var step = new NodeStep { Name = name, Done = done, Text = text, SinceUnixMs = old is not null && old.Done == done
                ? old.SinceUnixMs : Now() };
            if (index < 0) steps.Add(step);
            else steps[index] = step;
            return old is null || old.Done != done || old.Text != text;
        }
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}

using Operos.Proto;

namespace Operos.Node;

/// <summary>How far a node is, step by step, for each heartbeat. Whoever does a step says so here.</summary>
public sealed class NodeStepBoard(TimeProvider time)
{
    public const string Firewall = "firewall", Certificates = "certificates", Configuration = "configuration", Containerd = "containerd",
        Images = "images", Kubelet = "kubelet", KubeProxy = "kube-proxy", Network = "network", Policy = "policy";

    private const int MaxText = 500;
    private readonly Lock stepsLock = new();
    private readonly List<NodeStep> steps = [];

    public IReadOnlyList<NodeStep> Steps
    {
        get { lock (stepsLock) return [.. steps]; }
    }

    /// <summary>Names the steps in the order in which they happen.</summary>
    public void Begin(params IReadOnlyList<string> names)
    {
        lock (stepsLock)
        {
            steps.Clear();
            foreach (var name in names) steps.Add(new NodeStep { Name = name, Done = false, Text = "not begun", SinceUnixMs = Now() });
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

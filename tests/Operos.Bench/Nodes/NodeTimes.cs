namespace Operos.Bench.Nodes;

/// <summary>When a machine that was switched on was where, in seconds on the host's clock.</summary>
/// <param name="Kernel">The kernel's first line.</param>
/// <param name="System">The root's systemd greets.</param>
/// <param name="Entered">Its agent is enrolled, or kubeadm has joined it.</param>
/// <param name="Ready">The API server has its Node as Ready.</param>
/// <param name="Pod">A pod that waited for a node runs on it.</param>
internal sealed record NodeTimes(double Kernel, double System, double Entered, double Ready, double Pod)
{
    public override string ToString() =>
        $"kernel {Kernel:0.0}, systemd {System:0.0}, entered {Entered:0.0}, Ready {Ready:0.0}, pod {Pod:0.0} s";
}

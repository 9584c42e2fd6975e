namespace Operos.Lab;

/// <summary>kubectl from outside the cluster, as an operator uses it: with a kubeconfig that operosctl issued.</summary>
public sealed class Kubectl
{
    private readonly Build build;
    private readonly LabNetwork network;

    internal Kubectl(Build build, LabNetwork network, string kubeconfig) =>
        (this.build, this.network, Kubeconfig) = (build, network, kubeconfig);

    public string Kubeconfig { get; }

    /// <param name="admin">The operator's credentials for operosctl.</param>
    public static async Task<Kubectl> CreateAsync(Build build, LabFolder folder, LabNetwork network, string admin,
        CancellationToken cancellationToken)
    {
        var kubeconfig = folder["kubeconfig"];
        await network.RunAsync(build.Binary("operosctl"), ["kubeconfig", "--life", "8h", "--out", kubeconfig, "--config", admin],
            cancellationToken).ConfigureAwait(false);
        return new Kubectl(build, network, kubeconfig);
    }

    public Task<string> RunAsync(CancellationToken cancellationToken, params IEnumerable<string> arguments) =>
        network.RunAsync(Path.Combine(build.Out, "kubernetes/bin/kubectl"),
            ["--kubeconfig", Kubeconfig, "--request-timeout", "30s", .. arguments], cancellationToken);

    /// <summary>Waits until a command prints what is wanted.</summary>
    /// <exception cref="LabException">It did not in time; with the last output.</exception>
    public async Task<string> WaitAsync(Func<string, bool> wanted, TimeSpan patience, CancellationToken cancellationToken,
        params IEnumerable<string> arguments)
    {
        var words = arguments.ToList();
        // Each question costs emulated machines a handshake, or a process in a pod.
        var what = $"kubectl {string.Join(' ', words)} shows what is waited for";
        var wait = new Wait(what, patience) { Pause = TimeSpan.FromSeconds(5), LooksAgain = true };
        return await wait.ForAsync<string>(async () =>
        {
            var output = await RunAsync(cancellationToken, words).ConfigureAwait(false);
            return wanted(output) ? output : throw new LabException(output);
        }, cancellationToken).ConfigureAwait(false);
    }
}

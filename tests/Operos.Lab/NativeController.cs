using System.Diagnostics;

namespace Operos.Lab;

/// <summary>
/// The real operos-controller as a process in the rack's network, at 10.77.0.1: boot service, registry, authority. Kubernetes needs the
/// controller's units: <see cref="NativeCluster"/>.
/// </summary>
public sealed class NativeController : IDisposable
{
    public const string Address = "10.77.0.1", Range = "10.77.0.100,10.77.0.199";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3), Glance = TimeSpan.FromSeconds(0.2);
    private readonly Build build;
    private readonly LabFolder folder;
    private readonly LabNetwork network;
    private readonly Operosctl operosctl;
    private Process? process;

    private NativeController(Build build, LabFolder folder, LabNetwork network)
    {
        (this.build, this.folder, this.network) = (build, folder, network);
        operosctl = new Operosctl(build, network, folder["setup/admin"]);
    }

    /// <summary>Of the boot service, and of the control endpoint: with the ports that a controller takes by itself.</summary>
    public const string BootUrl = $"http://{Address}:7480", Control = $"{Address}:7443";

    public string LogPath => folder["controller.log"];
    public string Releases => folder["releases"];
    public string ReleaseFolder => Path.Combine(Releases, Path.GetFileName(build.Release));

    /// <param name="configuration">Further tables of the controller's configuration.</param>
    /// <param name="administrator">Who may log in on every machine; null for nobody.</param>
    public static async Task<NativeController> StartAsync(
        Build build, LabFolder folder, LabNetwork network, CancellationToken cancellationToken,
        string admission = "auto", string dhcpMode = "full", int menuSeconds = 1, string configuration = "",
        SshKey? administrator = null)
    {
        var controller = new NativeController(build, folder, network);
        Directory.CreateDirectory(controller.Releases);
        // A copy: a test may damage it.
        await Shell.RunAsync("cp", ["-r", build.Release, controller.Releases], cancellationToken).ConfigureAwait(false);
        var setup = new ControllerSetup
        {
            Admission = admission, DhcpMode = dhcpMode, MenuSeconds = menuSeconds,
            Configuration = $"[kubernetes]\nenabled = false\n{configuration}", Administrator = administrator,
        };
        await setup.RunAsync(build, folder, cancellationToken).ConfigureAwait(false);
        await controller.RunAsync(cancellationToken).ConfigureAwait(false);
        return controller;
    }

    /// <summary>Starts the process, again after <see cref="Kill"/>.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var started = network.Start(build.Binary("operos-controller"),
            ["run", "--verbose", "--config", ConfigurationPath, "--state", folder["setup/state"], "--run", folder.OpenPath("run"),
                "--releases", Releases, "--loaders", build.Loaders], LogPath);
        process = started;
        await new Wait("the controller answers", Patience) { Pause = Glance, Logs = [LogPath] }.UntilAsync(async () =>
        {
            try { await CtlAsync(["status"], cancellationToken).ConfigureAwait(false); }
            catch (LabException) when (!started.HasExited) { return false; }
            catch (LabException e)
            {
                throw new LabException($"the controller ended with {started.ExitCode}, its log is {LogPath}; {e.Message}");
            }
            return true;
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Puts another release beside or in place of one, signed by the same key, as an operator would.</summary>
    /// <param name="change">What is different in it, done to its folder before it is signed.</param>
    public async Task PublishAsync(string version, DateTimeOffset created, CancellationToken cancellationToken,
        Action<string>? change = null)
    {
        var partial = Path.Combine(Releases, version + ".partial");
        await Shell.RunAsync("cp", ["-r", build.Release, partial], cancellationToken).ConfigureAwait(false);
        change?.Invoke(partial);
        await Shell.RunAsync(build.Binary("operosctl"),
            ["release", "build", "--dir", partial, "--key", build.ReleaseKey, "--version", version,
            "--kernel-release", (await File.ReadAllTextAsync(
                Path.Combine(build.Out, "initramfs/kernel-release"), cancellationToken).ConfigureAwait(false)).Trim(), "--created",
                created.ToString("O")], cancellationToken).ConfigureAwait(false);
        if (Directory.Exists(Path.Combine(Releases, version))) Directory.Move(Path.Combine(Releases, version), folder["replaced-release"]);
        Directory.Move(partial, Path.Combine(Releases, version));
    }

    /// <summary>Waits until the controller has found a release; it looks every few seconds.</summary>
    public async Task WaitForReleaseAsync(string version, CancellationToken cancellationToken)
    {
        await new Wait($"the controller has found release {version}", Patience) { Pause = Glance, Logs = [LogPath] }.UntilAsync(
            async () => (await CtlAsync(["releases"], cancellationToken).ConfigureAwait(false)).Contains(version, StringComparison.Ordinal),
            cancellationToken).ConfigureAwait(false);
    }

    public string ConfigurationPath => folder["setup/upper/etc/operos/controller.toml"];

    public void Kill()
    {
        process?.Kill(entireProcessTree: true);
        process?.WaitForExit();
        process?.Dispose();
        process = null;
    }

    /// <summary>Stops or goes on in mid-work, as a machine does whose cable is pulled; what it started runs on.</summary>
    public Task SignalAsync(string signal) => Shell.RunAsync("kill", [$"-{signal}", $"{process!.Id}"], default);

    public Task<string> CtlAsync(IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        operosctl.RunAsync(arguments, cancellationToken);

    public Task<IReadOnlyList<ClusterMachine>> MachinesAsync(CancellationToken cancellationToken) =>
        operosctl.MachinesAsync(cancellationToken);

    /// <summary>The disks of all machines that have told them.</summary>
    public Task<IReadOnlyList<ListedDisk>> DisksAsync(CancellationToken cancellationToken) => operosctl.DisksAsync(cancellationToken);

    public Task<IReadOnlyList<ClusterMachine>> WorkersAsync(CancellationToken cancellationToken) =>
        operosctl.WorkersAsync(cancellationToken);

    public void Dispose() => Kill();
}

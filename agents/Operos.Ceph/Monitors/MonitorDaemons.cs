using System.Text;
using Operos.Linux;
using Operos.Linux.Supervision;

namespace Operos.Ceph.Monitors;

/// <summary>The monitor and the manager as daemons: units that read ARGS of <c>mon.env</c> and <c>mgr.env</c>.</summary>
/// <param name="address">The controller's.</param>
internal sealed class MonitorDaemons(MonitorPaths paths, CephIdentity identity, string address, MonitorMap map, MonitorClient client)
{
    public const string MonitorUnit = "operos-ceph-mon", ManagerUnit = "operos-ceph-mgr";

    /// <summary>
    /// Neither is started again for a short silence: a monitor that reads a large store, or a manager on a slow machine, would only begin
    /// anew.
    /// </summary>
    private static readonly TimeSpan LongestAilment = TimeSpan.FromMinutes(10);

    public Daemon Monitor => Describe("ceph-mon", MonitorUnit, paths.MonitorProgram, "mon", paths.MonitorConfiguration,
        WriteMonitor, AskMonitorAsync);

    /// <param name="monitorWorks">Without it the manager does nothing.</param>
    public Daemon Manager(Func<bool> monitorWorks) => Describe("ceph-mgr", ManagerUnit, paths.ManagerProgram, "mgr",
        paths.ManagerConfiguration, WriteManager, AskManagerAsync) with
        { WaitsFor = () => monitorWorks() ? null : "waits for ceph-mon" };

    /// <summary>What the controller itself asks by.</summary>
    public void WriteClient()
    {
        AtomicFile.WriteIfChanged(paths.ClientKeyring, Keyring.Of("client.admin", identity.AdminKey));
        Write(paths.ClientConfiguration, Text(CephConfiguration.Client(map, paths.ClientKeyring)));
    }

    private bool[] WriteMonitor() => [WriteKey(paths.MonitorKeyring, "mon.", identity.MonitorKey), Write(paths.MonitorConfiguration,
        Text(CephConfiguration.Monitor(map, paths.Store(map.Fsid), paths.MonitorKeyring, paths.Sockets)))];

    private bool[] WriteManager()
    {
        Directory.CreateDirectory(paths.Modules, FileModes.ReadableFolder);
        return [WriteKey(paths.ManagerKeyring, $"mgr.{MonitorPaths.Name}", identity.ManagerKey), Write(paths.ManagerConfiguration,
            Text(CephConfiguration.Manager(map, address, paths.Manager, paths.ManagerKeyring, paths.Modules, paths.Sockets)))];
    }

    private Daemon Describe(string program, string unit, string path, string kind, string configuration, Func<bool[]> write,
        Func<CancellationToken, Task<string?>> ask)
    {
        string[] arguments = ["-i", MonitorPaths.Name, "-c", configuration];
        return new Daemon
        {
            Name = program, Unit = unit, Package = program, Program = path, Arguments = ["-f", .. arguments], Running = "healthy",
            RestartsInPlace = true,
            PrepareAsync = (_, _) =>
            {
                bool[] changes = [.. write(), Write(Path.Combine(paths.Run, $"{kind}.env"), Text($"ARGS={string.Join(' ', arguments)}\n"))];
                return Task.FromResult(changes.Contains(true) ? DaemonChange.Restart : DaemonChange.None);
            },
            Health = new HealthCheck
            {
                AskAsync = ask, Forgiven = TimeSpan.Zero, LongestAilment = LongestAilment, LongestStart = TimeSpan.MaxValue,
                AnswerSuffices = true, Pause = TimeSpan.FromSeconds(10),
            },
        };
    }

    private async Task<string?> AskMonitorAsync(CancellationToken cancellationToken)
    {
        try
        {
            var map = await client.AskAsync(new CephCommand("mon dump"), cancellationToken).ConfigureAwait(false);
            return map.TextOf("fsid") == identity.Fsid.ToString() ? null : "it is of another cluster";
        }
        catch (IOException e) { return e.Message; }
    }

    private async Task<string?> AskManagerAsync(CancellationToken cancellationToken)
    {
        try
        {
            var map = await client.AskAsync(new CephCommand("mgr dump"), cancellationToken).ConfigureAwait(false);
            return map.FlagOf("available") ? null : "not ready yet";
        }
        catch (IOException e) { return e.Message; }
    }

    private bool WriteKey(string path, string name, string key)
    {
        var changed = AtomicFile.WriteIfChanged(path, Keyring.Of(name, key));
        if (paths.User is { } user) Ownership.Give(path, user);
        return changed;
    }

    private static bool Write(string path, byte[] contents) => AtomicFile.WriteIfChanged(path, contents, FileModes.Readable);

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);
}

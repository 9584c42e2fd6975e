using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Operos.Ceph.Monitors;
using Operos.Ceph.Pools;
using Operos.Controller.Storage;
using Operos.Controller.Tests;
using Operos.Kubernetes;
using Operos.Lab;
using Operos.Linux.Ceph;
using Operos.Net.Tests.Dns;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Ceph.Tests;

/// <summary>An image that a machine's client of Ceph has open to write.</summary>
internal sealed record OpenImage(RadosConnection Connection, RbdPool Pool, RbdImage Image) : IDisposable
{
    public void Dispose()
    {
        Image.Dispose();
        Pool.Dispose();
        Connection.Dispose();
    }
}

/// <summary>A worker, as the controller sees it.</summary>
internal sealed class RackMachine(int number)
{
    public int Number { get; } = number;
    public ECDsa Key { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    public string Id { get; set; } = "";
    public string Boot { get; set; } = "boot-1";
    /// <summary>How often it was told to reboot.</summary>
    public int Reboots { get; set; }
    public ControlConnection Connection { get; set; } = null!;

    public Task BeatAsync() => Connection.CallAsync<HeartbeatReply>(TestController.Beat(Boot), default);

    public Task<VolumeGrant> StageAsync(string volume) =>
        Connection.CallAsync<VolumeGrant>(new StageVolume { Volume = volume, Image = volume }, default);

    public Task<ControlFaultException> RefusedAsync(string volume) =>
        Assert.ThrowsAsync<ControlFaultException>(() => StageAsync(volume));
}

/// <summary>
/// A controller with three workers, a real Ceph with one OSD, and a real API server. Its failover looks when a test says so, at the time
/// that the test says it is.
/// </summary>
internal sealed class FailoverRack : IAsyncDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(20);

    private readonly VolumeRack api;
    private readonly PoolImages images;
    private VolumeFailover failover = null!;
    private int starts;

    private FailoverRack(CephLab lab, VolumeRack api, TestClock clock) =>
        (Lab, this.api, Clock, images) = (lab, api, clock, lab.Monitor.OpenImages());

    public CephLab Lab { get; }
    public TestClock Clock { get; }
    public IReadOnlyList<RackMachine> Machines { get; } = [new(1), new(2), new(3)];
    public TestController Controller { get; private set; } = null!;

    /// <summary>Of the controller that runs.</summary>
    public ILogger Log => new FileLog<VolumeFailover>(LogPath);

    /// <summary>What the controller that runs says that it waits for.</summary>
    public IReadOnlyList<string> Told => File.Exists(LogPath)
        ? [.. File.ReadLines(LogPath).Where(line => line.Contains("which is silent, stay:", StringComparison.Ordinal))] : [];

    /// <summary>As they are written down.</summary>
    public IReadOnlyList<Fence> Fences => new VolumeBook(Path.Combine(Lab.Folder["controller"], "volumes.json"), _ => true).Fences;

    private string LogPath => Lab.Folder[$"failover-{starts}.log"];

    public static async Task<FailoverRack> StartAsync(string name)
    {
        Assert.SkipUnless(new Build().HasKubernetes, "the layers are without Kubernetes");
        var lab = CephLab.Create(name);
        VolumeRack? api = null;
        try
        {
            var clock = new TestClock();
            var starting = VolumeRack.StartAsync(lab);
            var monitor = lab.Start(time: clock);
            await lab.UntilDaemonsWorkAsync();
            await lab.StartOsdAsync(Guid.NewGuid(), Guid.NewGuid());
            api = await starting;
            api.Begin();
            await lab.UntilThereIsAPoolAsync();
            return new FailoverRack(lab, api, clock);
        }
        catch
        {
            api?.Dispose();
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the controller, to which all machines come.</summary>
    public async Task BeginAsync()
    {
        Directory.CreateDirectory(Lab.Folder["controller"]);
        Open();
        foreach (var machine in Machines) await JoinAsync(machine, machine.Boot);
        await failover.PassAsync(default);
    }

    /// <summary>Another controller on what the last one wrote; the first machine does not come.</summary>
    public async Task RestartAsync()
    {
        await Controller.DisposeAsync();
        foreach (var machine in Machines) await machine.Connection.DisposeAsync();
        Open();
        foreach (var machine in Machines.Skip(1)) await JoinAsync(machine, machine.Boot);
        await failover.PassAsync(default);
    }

    public async Task JoinAsync(RackMachine machine, string boot)
    {
        if (boot != machine.Boot)
        {
            // Whoever has its parts so soon after it may be another.
            await Controller.LeaveAsync(machine.Id, machine.Connection);
            Clock.Ahead += TimeSpan.FromMinutes(5);
        }
        else if (machine.Connection is { } before) await before.DisposeAsync();
        (machine.Id, machine.Connection, _) = await Controller.JoinAsync(TestController.Machine(machine.Number), boot, (request, _) =>
        {
            if (request is Reboot) machine.Reboots++;
            return ValueTask.FromResult<Message>(new Done { Text = "yes" });
        }, machine.Key);
        machine.Boot = boot;
        // All are on loopback here; what a client there has open is not to look like the machine's own.
        Controller.Registry.Note(machine.Id, record => record with { Address = $"192.0.2.{machine.Number}" });
    }

    /// <summary>
    /// Lets time pass, in which the others beat, with a look now and then; where the monitor answers, what is known of Ceph is of now.
    /// </summary>
    public async Task PassTimeAsync(TimeSpan time, bool isMonitorHeld, params IReadOnlyList<RackMachine> but)
    {
        // It takes what was since its last look for unknown where that is long ago, as on a host that does much else.
        await failover.PassAsync(default);
        for (var passed = TimeSpan.Zero; passed < time; passed += Step)
        {
            Clock.Ahead += Step;
            foreach (var machine in Machines.Except(but)) await machine.BeatAsync();
            var since = Clock.GetUtcNow();
            if (!isMonitorHeld) await Lab.UntilAsync("Ceph is looked at", () => Lab.Monitor.Facts?.At > since);
            await failover.PassAsync(default);
        }
    }

    /// <summary>Looks until it holds.</summary>
    public Task UntilAsync(string what, Func<Task<bool>> holds) =>
        new Wait(what, CephLab.Patience) { Logs = [LogPath, Lab.Log] }.UntilAsync(async () =>
        {
            await failover.PassAsync(default);
            return await holds();
        });

    public Task UntilToldAsync(string what) =>
        UntilAsync($"it is told: {what}", () => Task.FromResult(Told.Any(line => line.Contains(what, StringComparison.Ordinal))));

    /// <summary>A volume with its image, of the claim of that name.</summary>
    public async Task<string> VolumeAsync(string claim)
    {
        await api.ClaimAsync(claim, "8Mi");
        var volume = await api.BoundAsync(claim);
        await api.UntilAsync("its image is made", async () => await images.FindAsync(volume, default) is not null
            && !await api.IsMarkedAsync(volume));
        return volume;
    }

    /// <summary>As the machine's node does: with what the controller gives it.</summary>
    public async Task<OpenImage> MapAsync(RackMachine machine, string volume)
    {
        var grant = await machine.StageAsync(volume);
        var (keyring, configuration) = (Lab.Folder[$"{machine.Id}.keyring"], Lab.Folder[$"{machine.Id}.conf"]);
        await File.WriteAllBytesAsync(keyring, Keyring.Of($"client.{grant.User}", grant.Key));
        await File.WriteAllTextAsync(configuration, CephConfiguration.Client(Lab.Monitor.Map!, keyring));
        var connection = RadosConnection.Open($"client.{grant.User}", configuration, TimeSpan.FromSeconds(20));
        var pool = connection.OpenPool(grant.Pool);
        return new OpenImage(connection, pool, pool.Open(grant.Image, writable: true));
    }

    public Task<PoolImage?> ImageAsync(string volume) => images.FindAsync(volume, default);

    /// <summary>Until when which addresses are shut out.</summary>
    public async Task<IReadOnlyDictionary<string, DateTime>> ShutOutAsync() =>
        (await Lab.AskAsync(new CephCommand("osd dump"))).GetProperty("blocklist").EnumerateObject().ToDictionary(entry => entry.Name,
            entry => DateTime.Parse(entry.Value.GetString()![..10], CultureInfo.InvariantCulture));

    public async Task<bool> HasUserAsync(RackMachine machine) => (await Lab.AskAsync(new CephCommand("auth ls"))).GetProperty("auth_dump")
        .EnumerateArray().Any(user => user.GetProperty("entity").GetString() == $"client.operos-{machine.Id}");

    /// <param name="ready">What its Node says of that.</param>
    public async Task NodeAsync(RackMachine machine, string ready)
    {
        if (await api.Client.FindJsonAsync($"/api/v1/nodes/{machine.Id}", default) is null)
            await api.Client.CreateAsync("/api/v1/nodes", new JsonObject
            {
                ["apiVersion"] = "v1", ["kind"] = "Node", ["metadata"] = new JsonObject { ["name"] = machine.Id },
            }, default);
        await api.Client.MergeAsync($"/api/v1/nodes/{machine.Id}/status", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = ready }),
            },
        }, default);
    }

    /// <param name="claim">Null for one without a volume.</param>
    public Task PodAsync(string name, RackMachine machine, string? claim) =>
        api.Client.CreateAsync("/api/v1/namespaces/default/pods", new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = new JsonObject
            {
                ["nodeName"] = machine.Id, ["containers"] = new JsonArray(new JsonObject { ["name"] = "it", ["image"] = "it" }),
                ["volumes"] = claim is null ? null : new JsonArray(new JsonObject
                {
                    ["name"] = "data", ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = claim },
                }),
            },
        }, default);

    public async Task<IReadOnlyList<string>> PodsAsync() =>
        [.. (await api.Client.ListAsync(Resources.Pods, default)).Select(pod => pod.Metadata!.Name!).Order(StringComparer.Ordinal)];

    public Task KillApiAsync() => api.Server.KillAsync();

    public Task StartApiAsync() => api.Server.StartAsync();

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var machine in Machines)
            {
                if (machine.Connection is { } connection) await connection.DisposeAsync();
                machine.Key.Dispose();
            }
            if (Controller is not null) await Controller.DisposeAsync();
            images.Dispose();
            api.Dispose();
        }
        finally { await Lab.DisposeAsync(); }
    }

    private void Open()
    {
        starts++;
        Controller = new TestController(folder: Lab.Folder["controller"], ceph: Lab.Monitor, clock: Clock);
        failover = new VolumeFailover(Lab.Monitor, images, api.Client, api.Ours, Controller.Storage.Staged, Controller.Registry,
            Controller.Sessions, Clock, Log);
    }
}

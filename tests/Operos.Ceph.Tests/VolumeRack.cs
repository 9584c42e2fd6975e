using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Operos.Controller.Storage;
using Operos.ControlPlane.Configuration;
using Operos.ControlPlane.Objects;
using Operos.Kubernetes;
using Operos.Lab;
using Operos.Net.Tests.Dns;

namespace Operos.Ceph.Tests;

/// <summary>An API server with the objects that every cluster with a pool has, and what binds claims to volumes.</summary>
internal sealed class VolumeRack : IDisposable
{
    private const string Claims = "/api/v1/namespaces/default/persistentvolumeclaims", Volumes = "/api/v1/persistentvolumes";

    private readonly CephLab lab;
    private readonly LabFolder folder;
    private readonly BareApiServer server;
    private readonly Process controllers;
    private CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;

    private VolumeRack(CephLab lab, LabFolder folder, BareApiServer server, Process controllers) =>
        (this.lab, this.folder, this.server, this.controllers, Client) =
            (lab, folder, server, controllers, new ApiClient(server.AccessBy(server.Port)));

    public ApiClient Client { get; }

    public BareApiServer Server => server;

    /// <summary>Of the last start.</summary>
    public PoolVolumes Ours { get; private set; } = null!;

    /// <summary>Who has every volume staged.</summary>
    public string? Holder { get; set; }

    public static async Task<VolumeRack> StartAsync(CephLab lab)
    {
        var folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), $"{Path.GetFileName(lab.Folder.Path)}-api");
        var server = await BareApiServer.StartAsync(folder);
        await File.WriteAllTextAsync(folder["kubeconfig"], $$"""
            apiVersion: v1
            kind: Config
            current-context: test
            contexts: [{ name: test, context: { cluster: test, user: test } }]
            clusters:
            - { name: test, cluster: { server: "https://127.0.0.1:{{server.Port}}", certificate-authority: {{folder["ca.crt"]}} } }
            users: [{ name: test, user: { client-certificate: {{folder["client.pem"]}}, client-key: {{folder["client.pem"]}} } }]
            """);
        var program = Path.Combine(new Build().Out, "images/roots/controller/usr/bin/kube-controller-manager");
        var controllers = TiedProcess.Start("controllers", folder["controllers.log"], [program,
            $"--kubeconfig={folder["kubeconfig"]}", "--leader-elect=false", "--port=0", "--secure-port=0",
            "--controllers=persistentvolume-binder,pv-protection,pvc-protection", "--pvclaimbinder-sync-period=1s"]);
        folder.NoteProcess(controllers.Id);
        var rack = new VolumeRack(lab, folder, server, controllers);
        var settings = new ControlPlaneSettings
        {
            Address = IPAddress.Loopback, ClusterDomain = "cluster.local", Kubernetes = new(), Agent = "test", HasPoolVolumes = true,
        };
        var applier = new ObjectApplier(rack.Client, new ApiDiscovery(rack.Client), "operos-controller");
        foreach (var value in BuiltInObjects.For(settings).Where(value => (string?)value["apiVersion"] == "storage.k8s.io/v1"))
            await applier.ApplyAsync(value, default);
        return rack;
    }

    /// <summary>As the controller's agent does when it starts.</summary>
    public void Begin()
    {
        stop = new();
        Ours = new PoolVolumes(Client, lab.Monitor, _ => Holder, new FileLog<PoolVolumes>(lab.Log));
        running = Ours.RunAsync(stop.Token);
    }

    public async Task EndAsync()
    {
        await stop.CancelAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    public Task UntilAsync(string what, Func<Task<bool>> holds) =>
        new Wait(what, CephLab.Patience) { Logs = [lab.Log, folder["controllers.log"]] }.UntilAsync(() =>
            running.IsFaulted ? throw new LabException($"it ended: {running.Exception?.InnerException?.Message}") : holds());

    public Task ClaimAsync(string name, string size, Action<JsonObject>? change = null)
    {
        var spec = new JsonObject
        {
            ["accessModes"] = new JsonArray("ReadWriteOnce"),
            ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["storage"] = size } },
        };
        change?.Invoke(spec);
        return Client.CreateAsync(Claims, new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "PersistentVolumeClaim", ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = spec,
        }, default);
    }

    /// <summary>The volume of a claim, once it has one.</summary>
    public async Task<string> BoundAsync(string name)
    {
        await UntilAsync($"{name} is bound", async () =>
            (string?)(await Client.FindJsonAsync($"{Claims}/{name}", default))!["status"]!["phase"] == "Bound");
        return (string)(await Client.FindJsonAsync($"{Claims}/{name}", default))!["spec"]!["volumeName"]!;
    }

    /// <summary>What comes before the image of a claim is made, and nothing more.</summary>
    public async Task<string> PlaceAsync(string name)
    {
        await UntilAsync("it is asked for", async () => (await Client.FindJsonAsync($"{Claims}/{name}", default))!["metadata"]!
            ["annotations"]?["volume.beta.kubernetes.io/storage-provisioner"] is not null);
        var claim = PoolClaim.Read(await Client.GetAsync(Resources.PersistentVolumeClaims, "default", name, default))!;
        await Client.CreateAsync(Volumes, PoolVolumes.Describe(claim), default);
        return claim.VolumeName;
    }

    public Task AskForAsync(string name, string size) => Client.MergeAsync($"{Claims}/{name}", new JsonObject
    {
        ["spec"] = new JsonObject { ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["storage"] = size } } },
    }, default);

    /// <summary>As the kubelet does when the file system has grown.</summary>
    public Task SayGrownAsync(string name, string size) => Client.MergeAsync($"{Claims}/{name}/status", new JsonObject
    {
        ["status"] = new JsonObject { ["capacity"] = new JsonObject { ["storage"] = size }, ["conditions"] = null },
    }, default);

    public Task DeleteClaimAsync(string name) => Client.DeleteAsync($"{Claims}/{name}", default);

    public async Task<string?> PhaseAsync(string volume) =>
        await Client.FindJsonAsync($"{Volumes}/{volume}", default) is { } found ? (string?)found["status"]!["phase"] ?? "" : null;

    public async Task<bool> IsMarkedAsync(string volume) =>
        (await Client.FindJsonAsync($"{Volumes}/{volume}", default))!["metadata"]!["annotations"]![PoolVolume.Unmade] is not null;

    public async Task<string?> CapacityAsync(string name) =>
        (string?)(await Client.FindJsonAsync($"{Claims}/{name}", default))!["status"]!["capacity"]!["storage"];

    public async Task<string?> CapacityOfVolumeAsync(string volume) =>
        (string?)(await Client.FindJsonAsync($"{Volumes}/{volume}", default))!["spec"]!["capacity"]!["storage"];

    public async Task<IReadOnlyList<string>> ConditionsAsync(string name) =>
        [.. ((await Client.FindJsonAsync($"{Claims}/{name}", default))!["status"]!["conditions"] as JsonArray ?? [])
            .Select(one => (string)one!["type"]!)];

    /// <summary>What ours were told of a claim.</summary>
    public async Task<IReadOnlyList<string>> EventsAsync(string name) =>
        [.. ((JsonArray)(await Client.FindJsonAsync("/api/v1/namespaces/default/events", default))!["items"]!)
            .Where(one => (string?)one!["involvedObject"]!["name"] == name && (string?)one["source"]!["component"] == "rbd.operos.io")
            .Select(one => (string)one!["message"]!)];

    public void Dispose()
    {
        stop.Cancel();
        controllers.Kill();
        controllers.WaitForExit();
        controllers.Dispose();
        Client.Dispose();
        server.Dispose();
        folder.Dispose();
    }
}

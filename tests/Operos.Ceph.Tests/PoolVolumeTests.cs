using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Operos.Ceph.Pools;
using Operos.Controller.Storage;
using Operos.ControlPlane.Configuration;
using Operos.ControlPlane.Objects;
using Operos.Kubernetes;
using Operos.Lab;
using Operos.Net.Tests.Dns;

namespace Operos.Ceph.Tests;

/// <summary>
/// Claims become images: the controller's own code between a real API server with the controllers of Kubernetes that bind claims and
/// volumes, and a real monitor, manager and OSD.
/// </summary>
public sealed class PoolVolumeTests
{
    private const string Claims = "/api/v1/namespaces/default/persistentvolumeclaims", Volumes = "/api/v1/persistentvolumes";

    [Fact]
    public async Task Claims_become_images_grow_with_them_and_take_them_along_and_what_was_cut_is_completed()
    {
        Assert.SkipUnless(new Build().HasKubernetes, "the layers are without Kubernetes");
        await using var lab = CephLab.Create("volumes");
        using var rack = await VolumeRack.StartAsync(lab);
        var monitor = lab.Start();
        await lab.UntilAsync("both work", () => lab.Works("ceph-mon") && lab.Works("ceph-mgr"));
        rack.Begin();

        // Before there is a pool it is told why, and tried again.
        await rack.ClaimAsync("early", "10Mi");
        await rack.UntilAsync("it is told", async () => (await rack.EventsAsync("early")).Any(one =>
            one.StartsWith("there is no OSD, so nothing can be stored", StringComparison.Ordinal)));
        await lab.StartOsdAsync(Guid.NewGuid(), Guid.NewGuid());
        using var images = monitor.OpenImages();
        var early = await rack.BoundAsync("early");
        var volume = (await rack.Client.FindJsonAsync($"{Volumes}/{early}", default))!;
        Assert.Equal(("rbd.operos.io", early, "ext4"), ((string?)volume["spec"]!["csi"]!["driver"],
            (string?)volume["spec"]!["csi"]!["volumeHandle"], (string?)volume["spec"]!["csi"]!["fsType"]));
        Assert.Equal(("operos", "Delete", "Filesystem", "12Mi"), ((string?)volume["spec"]!["storageClassName"],
            (string?)volume["spec"]!["persistentVolumeReclaimPolicy"], (string?)volume["spec"]!["volumeMode"],
            (string?)volume["spec"]!["capacity"]!["storage"]));
        await rack.UntilAsync("its image is made", async () => await images.FindAsync(early, default) is
            { Bytes: 12 << 20, Claim: "default/early" } && !await rack.IsMarkedAsync(early));

        // From several machines at once: never.
        await rack.ClaimAsync("shared", "4Mi", spec => spec["accessModes"] = new JsonArray("ReadWriteMany"));
        await rack.UntilAsync("it is told", async () => (await rack.EventsAsync("shared")).Any(one =>
            one.StartsWith("it is to be used from several machines", StringComparison.Ordinal)));
        await rack.ClaimAsync("block", "4Mi", spec => spec["volumeMode"] = "Block");
        var block = await rack.BoundAsync("block");
        var source = (await rack.Client.FindJsonAsync($"{Volumes}/{block}", default))!["spec"]!;
        Assert.Equal(("Block", null), ((string?)source["volumeMode"], (string?)source["csi"]!["fsType"]));

        // The node is told of a file system's growth, once; a block device is as large at once.
        foreach (var name in (string[])["early", "block"]) await rack.AskForAsync(name, "30Mi");
        await rack.UntilAsync("both have grown", async () => await images.FindAsync(early, default) is { Bytes: 32 << 20 }
            && await images.FindAsync(block, default) is { Bytes: 32 << 20 } && await rack.CapacityAsync("block") == "32Mi");
        await rack.UntilAsync("the node is told", async () =>
            (await rack.ConditionsAsync("early")).SequenceEqual(["FileSystemResizePending"]));
        Assert.Equal(("32Mi", "12Mi"), (await rack.CapacityOfVolumeAsync(early), await rack.CapacityAsync("early")));
        Assert.Empty(await rack.ConditionsAsync("block"));
        await rack.SayGrownAsync("early", "32Mi");
        await Task.Delay(TimeSpan.FromSeconds(4));
        Assert.Empty(await rack.ConditionsAsync("early"));

        // Who has it keeps it; then it goes with its claim.
        rack.Holder = "m1 has it since today";
        await rack.DeleteClaimAsync("early");
        await rack.UntilAsync("its claim is gone", async () => await rack.PhaseAsync(early) == "Released");
        await rack.UntilAsync("it is told", () => Task.FromResult(File.ReadAllText(lab.Log).Contains(
            $"Volume {early} is removed later: m1 has it since today", StringComparison.Ordinal)));
        Assert.NotNull(await images.FindAsync(early, default));
        rack.Holder = null;
        await rack.UntilAsync("it is gone", async () => await rack.PhaseAsync(early) is null
            && await images.FindAsync(early, default) is null);

        // Cut between the volume and its image, and between the image's end and the volume's.
        await rack.EndAsync();
        await images.RemoveAsync(block, default);
        await rack.DeleteClaimAsync("block");
        await rack.ClaimAsync("cut", "4Mi");
        var cut = await rack.PlaceAsync("cut");
        rack.Begin();
        await rack.UntilAsync("what was cut is made", async () => await images.FindAsync(cut, default) is { Claim: "default/cut" }
            && !await rack.IsMarkedAsync(cut));
        await rack.UntilAsync("what has no image goes", async () => await rack.PhaseAsync(block) is null);
        Assert.Equal([cut], await images.ListAsync(default));

        // One that somebody keeps, and deletes himself, leaves its image behind.
        await rack.Client.MergeAsync($"{Volumes}/{cut}", new JsonObject
            { ["spec"] = new JsonObject { ["persistentVolumeReclaimPolicy"] = "Retain" } }, default);
        await rack.DeleteClaimAsync("cut");
        await rack.UntilAsync("its claim is gone", async () => await rack.PhaseAsync(cut) == "Released");
        await rack.Client.DeleteAsync($"{Volumes}/{cut}", default);
        await rack.UntilAsync("the volume is gone", async () => await rack.PhaseAsync(cut) is null);
        Assert.Equal([cut], await images.ListAsync(default));
        await rack.UntilAsync("it is known as nobody's", () => Task.FromResult(rack.Ours.Unclaimed.SequenceEqual([cut])));

        lab.SetNearlyFull(0.001);
        await lab.UntilAsync("it is nearly full", () => monitor.WhyNoImage is not null);
        await rack.ClaimAsync("full", "4Mi");
        await rack.UntilAsync("it is told", async () => (await rack.EventsAsync("full")).Any(one =>
            one.Contains("NEARFULL", StringComparison.Ordinal)));
        Assert.Equal("Pending", (string?)(await rack.Client.FindJsonAsync($"{Claims}/full", default))!["status"]!["phase"]);
    }

    /// <summary>An API server with the objects that every cluster with a pool has, and what binds claims to volumes.</summary>
    private sealed class VolumeRack : IDisposable
    {
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

        /// <summary>Of the last start.</summary>
        public PoolVolumes Ours { get; private set; } = null!;

        /// <summary>Who has every volume staged.</summary>
        public string? Holder { get; set; }

        public static async Task<VolumeRack> StartAsync(CephLab lab)
        {
            var folder = LabFolder.Create(Path.Combine(new Build().Out, "test"), "ceph-volumes-api");
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
}

using System.Net;
using System.Text.Json.Nodes;
using Operos.Ceph.Pools;
using Operos.Controller.Configuration;
using Operos.Controller.Storage;
using Operos.ControlPlane.Objects;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;

namespace Operos.Controller.Tests;

/// <summary>Which claims and volumes are the pool's, and what is to be done; what is done for them tests/Operos.Ceph.Tests shows.</summary>
public sealed class PoolVolumeReadingTests
{
    private const string Uid = "0d2a9c0e-1111-4222-8333-444455556666", Name = "pvc-" + Uid;
    private const string Provisioner = "volume.beta.kubernetes.io/storage-provisioner", By = "pv.kubernetes.io/provisioned-by";

    [Fact]
    public void A_claim_says_what_it_asks_for_in_whole_objects_and_why_it_cannot_be_had()
    {
        var claim = PoolClaim.Read(Claim())!;
        Assert.Equal((Name, 12L << 20, false, null, true, "", 0L, false), (claim.VolumeName, claim.Bytes, claim.IsBlock, claim.Refusal,
            claim.IsAsked, claim.Volume, claim.Capacity, claim.IsResizePending));
        Assert.True(PoolClaim.Read(Claim(spec => spec.VolumeMode = "Block"))!.IsBlock);
        Assert.Contains("file system nor a block device", PoolClaim.Read(Claim(spec => spec.VolumeMode = "Tape"))!.Refusal,
            StringComparison.Ordinal);
        foreach (var modes in (string?[][])[["ReadWriteMany"], ["ReadWriteOnce", "ReadOnlyMany"], ["ReadWriteOncePod"]])
            Assert.Contains("ReadWriteOnce alone", PoolClaim.Read(Claim(spec => spec.AccessModes = modes))!.Refusal,
                StringComparison.Ordinal);
        foreach (var size in (string?[])[null, "", "-1", "ten", "0", "1e99", "8Ei"])
            Assert.Contains("how many bytes", PoolClaim.Read(Claim(spec => spec.Asked!.Requests!["storage"] = size))!.Refusal,
                StringComparison.Ordinal);
        var large = PoolClaim.Read(Claim(spec => spec.Asked!.Requests!["storage"] = "7Ei"))!;
        Assert.Equal((0L, "it asks for over 512 TiB, which no image has"), (large.Bytes, large.Refusal));
    }

    [Fact]
    public void A_pod_s_volume_is_of_the_claim_that_it_names_or_of_one_that_is_made_with_the_pod()
    {
        var pod = Resources.Pods.Read("""
            {"spec":{"volumes":[{"name":"a","persistentVolumeClaim":{"claimName":"data"}},
            {"name":"scratch","ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"]}}}},
            {"name":"own","emptyDir":{}},{"name":"odd","persistentVolumeClaim":{}}]}}
            """u8);
        Assert.Equal(["data", "web-0-scratch", null, null], pod.Spec!.Volumes!.Select(volume => volume!.ClaimOf("web-0")));
    }

    [Theory]
    [InlineData("1", 4L << 20)]
    [InlineData("4Mi", 4L << 20)]
    [InlineData("4194305", 8L << 20)]
    [InlineData("512Ti", 512L << 40)]
    public void Images_are_of_whole_objects(string size, long bytes) =>
        Assert.Equal(bytes, PoolClaim.Read(Claim(spec => spec.Asked!.Requests!["storage"] = size))!.Bytes);

    [Fact]
    public void What_a_claim_has_and_what_its_node_was_told_is_read_and_null_anywhere_ends_nothing()
    {
        var claim = Claim(spec => spec.VolumeName = Name) with
        {
            Status = new() { Capacity = new() { ["storage"] = "8Mi" }, Conditions = [null, new() { Type = "FileSystemResizePending",
                Status = "True" }] },
        };
        var read = PoolClaim.Read(claim)!;
        Assert.Equal((Name, 8L << 20, true), (read.Volume, read.Capacity, read.IsResizePending));
        Assert.False(PoolClaim.Read(claim with { Status = new() { Conditions = [new() { Type = "Resizing", Status = "True" }] } })!
            .IsResizePending);
        Assert.NotNull(PoolClaim.Read(Claim(spec => (spec.AccessModes, spec.Asked) = ([null], null))));
        // Whoever may write a claim may write its annotations; its class Kubernetes has checked.
        Assert.False(PoolClaim.Read(Claim() with { Metadata = Claim().Metadata! with { Annotations = null } })!.IsAsked);
        Assert.Null(PoolClaim.Read(Claim(spec => spec.StorageClassName = "other")));
        Assert.Null(PoolClaim.Read(Claim(spec => spec.StorageClassName = null)));
        foreach (var meta in (ObjectMeta?[])[null, new(), Claim().Metadata! with { Uid = "../x" },
            Claim().Metadata! with { DeletionTimestamp = DateTime.UtcNow }])
            Assert.Null(PoolClaim.Read(Claim() with { Metadata = meta }));
        Assert.Null(PoolClaim.Read(Claim() with { Spec = null }));
    }

    [Fact]
    public void A_volume_is_made_until_it_is_and_removed_or_let_go_when_its_claim_is_gone()
    {
        VolumeWork Work(string? phase, string policy = "Delete", bool unmade = false, bool deleted = false) =>
            PoolVolume.Read(Volume(phase, policy, unmade, deleted))!.Work;
        foreach (var phase in (string?[])[null, "Pending", "Available", "Bound"])
            Assert.Equal((VolumeWork.Make, VolumeWork.Nothing), (Work(phase, unmade: true), Work(phase)));
        // Whose claim is gone is not made any more.
        foreach (var phase in (string[])["Released", "Failed"])
            Assert.Equal((VolumeWork.Remove, VolumeWork.Remove, VolumeWork.Nothing, VolumeWork.LetGo), (Work(phase),
                Work(phase, unmade: true), Work(phase, "Retain"), Work(phase, "Retain", deleted: true)));
        // Somebody deletes it himself: not while a claim has it.
        Assert.Equal((VolumeWork.Remove, VolumeWork.Nothing, VolumeWork.Nothing),
            (Work("Available", deleted: true), Work("Bound", deleted: true), Work(null, deleted: true)));
        Assert.Equal(["a", "b"], PoolVolume.Read(Volume("Bound"))!.Finalizers);
    }

    [Fact]
    public void Volumes_of_others_and_names_that_are_none_are_left_alone()
    {
        foreach (var name in (string?[])[null, "", "pvc-", "pvc-x", Uid, "PVC-" + Uid, Name + "/..", "pvc-" + Uid.ToUpperInvariant(),
            Name + "\n"])
            Assert.False(ImageName.IsValid(name), name);
        Assert.True(ImageName.IsValid(Name));
        var own = Volume("Bound");
        foreach (var other in (PersistentVolumeObject[])
        [
            own with { Metadata = null }, own with { Spec = null }, own with { Metadata = own.Metadata! with { Annotations = null } },
            own with { Metadata = own.Metadata! with { Annotations = new() { [By] = "other" } } },
            own with { Metadata = own.Metadata! with { Name = "mine" } }, own with { Spec = own.Spec! with { Csi = null } },
            own with { Spec = own.Spec! with { Csi = new() { Driver = "other", VolumeHandle = Name } } },
            own with { Spec = own.Spec! with { Csi = new() { Driver = PoolVolume.Driver, VolumeHandle = "pvc-" + Guid.NewGuid() } } },
        ])
            Assert.Null(PoolVolume.Read(other));
    }

    [Fact]
    public void What_the_API_server_keeps_before_there_is_an_image_says_all_that_is_needed_to_make_it()
    {
        var described = PoolVolumes.Describe(PoolClaim.Read(Claim())!);
        Assert.Equal(Name, (string?)described["metadata"]!["name"]);
        Assert.NotNull(described["metadata"]!["annotations"]![PoolVolume.Unmade]);
        Assert.Equal("12Mi", (string?)described["spec"]!["capacity"]!["storage"]);
        Assert.Equal(("rbd.operos.io", Name, "ext4"), ((string?)described["spec"]!["csi"]!["driver"],
            (string?)described["spec"]!["csi"]!["volumeHandle"], (string?)described["spec"]!["csi"]!["fsType"]));
        Assert.Equal(Uid, (string?)described["spec"]!["claimRef"]!["uid"]);
        Assert.Null(PoolVolumes.Describe(PoolClaim.Read(Claim(spec => spec.VolumeMode = "Block"))!)["spec"]!["csi"]!["fsType"]);
    }

    [Fact]
    public void The_class_and_the_driver_are_there_only_where_there_is_a_pool()
    {
        var settings = new ControllerSettings { Admission = AdmissionPolicy.Auto, DhcpMode = DhcpMode.Off, Address = IPAddress.Loopback,
            Network = IPNetwork.Parse("127.0.0.0/8") };
        IEnumerable<string> Kinds(bool ceph) => BuiltInObjects.For((settings with { CephEnabled = ceph }).ControlPlane)
            .Where(value => (string?)value["apiVersion"] == "storage.k8s.io/v1").Select(value => $"{value["kind"]} {Named(value)}");
        Assert.Equal(["StorageClass operos-local"], Kinds(false));
        Assert.Equal(["StorageClass operos-local", "StorageClass operos", $"CSIDriver {PoolVolume.Driver}"], Kinds(true));
    }

    private static string? Named(JsonObject value) => (string?)value["metadata"]!["name"];

    private static PersistentVolumeObject Volume(string? phase, string policy = "Delete", bool unmade = false, bool deleted = false)
    {
        var told = new Dictionary<string, string?> { [By] = PoolVolume.Driver };
        if (unmade) told[PoolVolume.Unmade] = "";
        return new()
        {
            Metadata = new() { Name = Name, Annotations = told, DeletionTimestamp = deleted ? DateTime.UtcNow : null,
                Finalizers = ["a", null, "b"] },
            Spec = new() { PersistentVolumeReclaimPolicy = policy, Csi = new() { Driver = PoolVolume.Driver, VolumeHandle = Name },
                Capacity = new() { ["storage"] = "4Mi" } },
            Status = new() { Phase = phase },
        };
    }

    private static PersistentVolumeClaimObject Claim(Action<PersistentVolumeClaimSpec>? change = null)
    {
        var spec = new PersistentVolumeClaimSpec
        {
            StorageClassName = PoolVolume.Class, AccessModes = ["ReadWriteOnce"],
            Asked = new() { Requests = new() { ["storage"] = "10Mi" } },
        };
        change?.Invoke(spec);
        return new()
        {
            Metadata = new() { Name = "data", Namespace = "default", Uid = Uid, Annotations = new() { [Provisioner] = PoolVolume.Driver } },
            Spec = spec,
        };
    }
}

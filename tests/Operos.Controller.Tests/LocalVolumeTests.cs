using Operos.Controller.Cluster;
using Operos.Kubernetes;
using Operos.Kubernetes.Objects;

namespace Operos.Controller.Tests;

/// <summary>Which claims and volumes are the controller's to serve; what it does for them is shown in the native cluster.</summary>
public sealed class LocalVolumeTests
{
    private const string Provisioner = "volume.beta.kubernetes.io/storage-provisioner", Node = "volume.kubernetes.io/selected-node";
    private const string Uid = "0d2a9c0e-1111-4222-8333-444455556666";

    [Fact]
    public void A_claim_is_served_when_the_scheduler_has_chosen_and_says_why_it_cannot_be()
    {
        var claim = LocalVolumes.Read(Claim());
        Assert.Equal(("pvc-" + Uid, "node-1", "10Gi", null), (claim!.Volume, claim.Node, claim.Size, claim.Refusal));
        Assert.Contains("block device", LocalVolumes.Read(Claim(spec => spec.VolumeMode = "Block"))!.Refusal, StringComparison.Ordinal);
        Assert.Contains("several machines", LocalVolumes.Read(Claim(spec => spec.AccessModes = ["ReadWriteMany"]))!.Refusal,
            StringComparison.Ordinal);
        foreach (var size in (string?[])[null, "", "-1", "ten", "0", "1e99", "10 Gi"])
            Assert.Contains("how many bytes", LocalVolumes.Read(Claim(spec => spec.Asked!.Requests!["storage"] = size))!.Refusal,
                StringComparison.Ordinal);
    }

    [Fact]
    public void Claims_of_others_that_wait_for_the_scheduler_that_have_a_volume_or_are_malformed_are_left_alone()
    {
        Assert.Null(LocalVolumes.Read(Claim(spec => spec.VolumeName = "pv")));
        // Whoever may write a claim may write its annotations.
        Assert.Null(LocalVolumes.Read(Claim(spec => spec.StorageClassName = "other")));
        Assert.Null(LocalVolumes.Read(Claim(spec => spec.StorageClassName = null)));
        foreach (var (key, value) in new[] { (Provisioner, "other"), (Node, "") })
        {
            var claim = Claim();
            claim.Metadata!.Annotations![key] = value;
            Assert.Null(LocalVolumes.Read(claim));
        }
        foreach (var meta in (ObjectMeta?[])[null, new(), Claim().Metadata! with { Uid = "../x" },
            Claim().Metadata! with { Annotations = null }, Claim().Metadata! with { DeletionTimestamp = DateTime.UtcNow }])
            Assert.Null(LocalVolumes.Read(Claim() with { Metadata = meta }));
        Assert.Null(LocalVolumes.Read(Claim() with { Spec = null }));
    }

    [Fact]
    public void Only_our_volumes_whose_claims_are_gone_are_deleted()
    {
        const string Path = "/var/lib/operos/volumes/5b0a6c1e-0000-4000-8000-000000000001/pvc-" + Uid;
        PersistentVolumeObject Volume(string phase = "Released", string policy = "Delete", string by = LocalVolumes.Provisioner,
            string path = Path, bool deleted = false) => new()
        {
            Metadata = new()
            {
                Name = "pvc-" + Uid, DeletionTimestamp = deleted ? DateTime.UtcNow : null, Finalizers = ["a", null, "b"],
                Annotations = new() { ["pv.kubernetes.io/provisioned-by"] = by, ["operos.io/machine"] = "node-1" },
            },
            Spec = new() { PersistentVolumeReclaimPolicy = policy, Local = new() { Path = path } }, Status = new() { Phase = phase },
        };
        // Also one that somebody deletes himself: its folder is to go first.
        foreach (var ours in new[] { Volume(), Volume("Failed"), Volume(deleted: true), Volume("Available", deleted: true) })
        {
            var volume = LocalVolumes.Read(ours)!;
            Assert.Equal(("pvc-" + Uid, "node-1", Path), (volume.Name, volume.Machine, volume.Path));
            Assert.Equal(["a", "b"], volume.Finalizers);
        }
        foreach (var other in new[] { Volume("Bound"), Volume("Available"), Volume(policy: "Retain"), Volume(by: "other"),
            Volume("Bound", deleted: true), Volume(path: "/etc"), Volume(path: "/var/lib/operos/volumes/../pvc-" + Uid),
            Volume() with { Status = null }, Volume() with { Metadata = null } })
            Assert.Null(LocalVolumes.Read(other));
    }

    /// <summary>The API server keeps the place before the folder is made: whatever is cut, it is made there and nowhere else.</summary>
    [Fact]
    public void A_volume_says_where_its_folder_is_to_be_made_until_it_is()
    {
        const string Path = "/var/lib/operos/volumes/5b0a6c1e-0000-4000-8000-000000000001/pvc-" + Uid;
        var described = LocalVolumes.Describe(LocalVolumes.Read(Claim())!, Path, 10L << 30);
        var told = described["metadata"]!["annotations"]!.AsObject().ToDictionary(one => one.Key, one => (string?)one.Value);
        PersistentVolumeObject Volume(string? phase) => new()
        {
            Metadata = new() { Name = (string)described["metadata"]!["name"]!, Annotations = told },
            Spec = new()
            {
                PersistentVolumeReclaimPolicy = (string)described["spec"]!["persistentVolumeReclaimPolicy"]!,
                Local = new() { Path = (string)described["spec"]!["local"]!["path"]! },
                ClaimRef = new() { Namespace = "default", Name = "data", Uid = (string)described["spec"]!["claimRef"]!["uid"]! },
            },
            Status = new() { Phase = phase },
        };
        foreach (var phase in (string?[])[null, "Pending", "Available", "Bound"])
        {
            var volume = LocalVolumes.Read(Volume(phase))!;
            Assert.Equal(("pvc-" + Uid, "node-1", Path, 10L << 30), (volume.Name, volume.Machine, volume.Path, volume.Unmade));
            Assert.Equal(new ClaimReference { Namespace = "default", Name = "data", Uid = Uid }, volume.Claim);
        }
        // Whose claim is gone meanwhile is deleted, and not made.
        Assert.Equal(0, LocalVolumes.Read(Volume("Released"))!.Unmade);
        Assert.True(told.Remove("operos.io/unmade-bytes"));
        Assert.Null(LocalVolumes.Read(Volume("Bound")));
    }

    [Theory]
    [InlineData("1", 1L)]
    [InlineData("10Gi", 10L << 30)]
    [InlineData("1.5G", 1_500_000_000L)]
    [InlineData("2e9", 2_000_000_000L)]
    [InlineData("1E", 1_000_000_000_000_000_000L)]
    [InlineData("1500m", 2L)]
    [InlineData("7Ei", 7L << 60)]
    [InlineData("8Ei", null)]
    [InlineData("1 Gi", null)]
    [InlineData("Gi", null)]
    [InlineData("+1", null)]
    [InlineData("1,5G", null)]
    [InlineData("1GiB", null)]
    [InlineData("99999999999999999999999999999999", null)]
    public void An_amount_of_bytes_is_read_as_the_API_writes_it(string text, long? bytes) => Assert.Equal(bytes, ByteQuantity.Parse(text));

    private static PersistentVolumeClaimObject Claim(Action<PersistentVolumeClaimSpec>? change = null)
    {
        var spec = new PersistentVolumeClaimSpec
        {
            StorageClassName = "operos-local", AccessModes = ["ReadWriteOnce"],
            Asked = new() { Requests = new() { ["storage"] = "10Gi" } },
        };
        change?.Invoke(spec);
        return new()
        {
            Metadata = new()
            {
                Name = "data", Namespace = "default", Uid = Uid,
                Annotations = new()
                {
                    [Provisioner] = LocalVolumes.Provisioner, [Node] = "node-1",
                },
            },
            Spec = spec,
        };
    }
}

using Operos.Csi.Protocol;
using Operos.Lab;
using Mode = Operos.Csi.Protocol.VolumeCapability.Types.AccessMode.Types.Mode;

namespace Operos.Csi.Tests;

/// <summary>Every call of the kubelet, and what it gets for a wrong one; here nothing is mapped.</summary>
public sealed class CallTests : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("operos-csi-");
    private Plugin plugin = null!;

    public async ValueTask InitializeAsync() => plugin = await Plugin.StartAsync(folder.FullName);

    public async ValueTask DisposeAsync()
    {
        await plugin.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task The_kubelet_finds_the_driver_by_its_socket_for_plugins()
    {
        var info = await plugin.Registration.GetInfoAsync(new InfoRequest());
        Assert.Equal(("CSIPlugin", "rbd.operos.io", plugin.Paths.Socket, "1.0.0"),
            (info.Type, info.Name, info.Endpoint, Assert.Single(info.SupportedVersions)));
        await plugin.Registration.NotifyRegistrationStatusAsync(new RegistrationStatus { PluginRegistered = true });
        await plugin.Registration.NotifyRegistrationStatusAsync(new RegistrationStatus { Error = "why\nnot" });
    }

    [Fact]
    public async Task The_driver_says_who_it_is_and_what_it_can()
    {
        Assert.Equal("rbd.operos.io", (await plugin.Identity.GetPluginInfoAsync(new GetPluginInfoRequest())).Name);
        Assert.True((await plugin.Identity.ProbeAsync(new ProbeRequest())).Ready);
        var able = await plugin.Identity.GetPluginCapabilitiesAsync(new GetPluginCapabilitiesRequest());
        Assert.Equal(PluginCapability.Types.VolumeExpansion.Types.Type.Online, Assert.Single(able.Capabilities).VolumeExpansion.Type);
        var node = await plugin.Node.NodeGetCapabilitiesAsync(new NodeGetCapabilitiesRequest());
        Assert.Equal(["ExpandVolume", "GetVolumeStats", "StageUnstageVolume"],
            node.Capabilities.Select(capability => $"{capability.Rpc.Type}").Order());
        var info = await plugin.Node.NodeGetInfoAsync(new NodeGetInfoRequest());
        Assert.Equal(("node-1", 250), (info.NodeId, info.MaxVolumesPerNode));
    }

    [Theory]
    [InlineData("", "no volume is named")]
    [InlineData("pvc-1", "it is no volume of this driver")]
    [InlineData("pvc-6F1C2D5E-0000-4000-8000-00000000DA7A", "it is no volume of this driver")]
    [InlineData("../../etc", "it is no volume of this driver")]
    public async Task A_handle_that_is_no_volume_is_refused_by_every_call(string volume, string words)
    {
        var expected = $"InvalidArgument: {words}";
        var (stage, publish) = (plugin.Stage(), plugin.Publish());
        (stage.VolumeId, publish.VolumeId) = (volume, volume);
        Assert.Equal(expected, await Plugin.RefusalAsync(plugin.Node.NodeStageVolumeAsync(stage)));
        Assert.Equal(expected, await Plugin.RefusalAsync(plugin.Node.NodePublishVolumeAsync(publish)));
        Assert.Equal(expected, await Plugin.RefusalAsync(plugin.Node.NodeUnstageVolumeAsync(
            new NodeUnstageVolumeRequest { VolumeId = volume, StagingTargetPath = plugin.Staging })));
        Assert.Equal(expected, await Plugin.RefusalAsync(plugin.Node.NodeUnpublishVolumeAsync(
            new NodeUnpublishVolumeRequest { VolumeId = volume, TargetPath = plugin.Target })));
        Assert.Equal(expected, await Plugin.RefusalAsync(plugin.Node.NodeExpandVolumeAsync(
            new NodeExpandVolumeRequest { VolumeId = volume, VolumePath = plugin.Target })));
        Assert.Equal(expected, await Plugin.RefusalAsync(plugin.Node.NodeGetVolumeStatsAsync(
            new NodeGetVolumeStatsRequest { VolumeId = volume, VolumePath = plugin.Target })));
        Assert.Empty(plugin.Grants.Asked);
    }

    [Theory]
    [InlineData("", "no staging path is named")]
    [InlineData("/etc", "the staging path is not below ")]
    [InlineData("{0}", "the staging path is not below ")]
    [InlineData("{0}/../etc", "the staging path is not below ")]
    [InlineData("{0}/a//b", "the staging path is not below ")]
    public async Task A_path_outside_the_kubelet_s_folder_is_refused(string path, string words)
    {
        var stage = plugin.Stage();
        stage.StagingTargetPath = path.Replace("{0}", plugin.Paths.Kubelet, StringComparison.Ordinal);
        Assert.StartsWith($"InvalidArgument: {words}", await Plugin.RefusalAsync(plugin.Node.NodeStageVolumeAsync(stage)),
            StringComparison.Ordinal);
        Assert.Empty(plugin.Grants.Asked);
    }

    public static TheoryData<string> WrongUses => new(Wrong.Keys);

    private static readonly Dictionary<string, (VolumeCapability? Capability, string Words)> Wrong = new()
    {
        ["nothing"] = (null, "it is not said how the volume is used"),
        ["no mode"] = (new() { Mount = new() }, "a volume of this driver is used on one machine at a time (ReadWriteOnce)"),
        ["many writers"] = (new() { Mount = new(), AccessMode = new() { Mode = Mode.MultiNodeMultiWriter } },
            "a volume of this driver is used on one machine at a time (ReadWriteOnce)"),
        ["no kind"] = (new() { AccessMode = Plugin.Once }, "it is not said whether the volume is a file system or a device"),
        ["xfs"] = (Plugin.FileSystem("xfs"), "volumes of this driver have ext4 alone"),
        ["an option"] = (Plugin.FileSystem("ext4", "noatime", "data=writeback"),
            "the mount option \"data=writeback\" is none of noatime, nodiratime, relatime, lazytime, sync, dirsync"),
    };

    [Theory, MemberData(nameof(WrongUses))]
    public async Task A_use_that_images_are_not_for_is_refused_in_words(string use)
    {
        var request = plugin.Stage();
        request.VolumeCapability = Wrong[use].Capability;
        Assert.Equal($"InvalidArgument: {Wrong[use].Words}", await Plugin.RefusalAsync(plugin.Node.NodeStageVolumeAsync(request)));
    }

    [Fact]
    public async Task The_controller_s_refusal_is_what_the_pod_s_events_say()
    {
        plugin.Grants.Refusal = new VolumeException(VolumeProblem.NotNow, "machine rack1-2 has it since 10:14");
        Assert.Equal("FailedPrecondition: machine rack1-2 has it since 10:14",
            await Plugin.RefusalAsync(plugin.Node.NodeStageVolumeAsync(plugin.Stage())));
        plugin.Grants.Refusal = new VolumeException(VolumeProblem.Silence, "the controller does not answer");
        Assert.StartsWith("Unavailable: ", await Plugin.RefusalAsync(plugin.Node.NodeStageVolumeAsync(plugin.Stage())),
            StringComparison.Ordinal);
    }

    /// <summary>The kubelet gives up and comes again, while the first call still goes on.</summary>
    [Fact]
    public async Task While_something_is_under_way_for_a_volume_the_same_is_told_to_wait_and_others_are_served()
    {
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        plugin.Grants.Ready = answer.Task;
        plugin.Grants.Refusal = new VolumeException(VolumeProblem.NotNow, "not yours");
        var first = plugin.Node.NodeStageVolumeAsync(plugin.Stage(), deadline: DateTime.UtcNow.AddSeconds(1));
        Assert.StartsWith("DeadlineExceeded", await Plugin.RefusalAsync(first), StringComparison.Ordinal);
        Assert.Matches($"^Aborted: volume {Plugin.Volume} is being mapped and mounted since [0-9]+ s$",
            await Plugin.RefusalAsync(plugin.Node.NodeStageVolumeAsync(plugin.Stage())));
        var other = plugin.Unstage;
        other.VolumeId = other.VolumeId[..^1] + "b";
        await plugin.Node.NodeUnstageVolumeAsync(other);
        answer.SetResult();
        await Wait.UntilAsync("it is over", TimeSpan.FromSeconds(20),
            async () => await Plugin.RefusalAsync(plugin.Node.NodeStageVolumeAsync(plugin.Stage())) == "FailedPrecondition: not yours");
    }

    [Fact]
    public async Task What_is_not_here_is_taken_away_without_a_complaint_and_not_shown()
    {
        await plugin.Node.NodeUnpublishVolumeAsync(plugin.Unpublish);
        await plugin.Node.NodeUnstageVolumeAsync(plugin.Unstage);
        Assert.Equal([$"return {Plugin.Volume}"], plugin.Grants.Asked);
        const string unknown = $"NotFound: volume {Plugin.Volume} is not mapped and mounted on this machine";
        Assert.Equal(unknown, await Plugin.RefusalAsync(plugin.Node.NodePublishVolumeAsync(plugin.Publish())));
        Assert.Equal(unknown, await Plugin.RefusalAsync(plugin.Node.NodeExpandVolumeAsync(
            new NodeExpandVolumeRequest { VolumeId = Plugin.Volume, VolumePath = plugin.Target })));
        Assert.Equal(unknown, await Plugin.RefusalAsync(plugin.Node.NodeGetVolumeStatsAsync(
            new NodeGetVolumeStatsRequest { VolumeId = Plugin.Volume, VolumePath = plugin.Target })));
    }
}

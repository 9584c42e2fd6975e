using Grpc.Core;
using Operos.Csi.Protocol;
using Operos.Csi.Volumes;

namespace Operos.Csi.Calls;

/// <summary>What the kubelet asks for a pod's volume.</summary>
/// <param name="node">How Kubernetes calls this machine.</param>
internal sealed class NodeCalls(NodeVolumes volumes, RequestReader reader, NodeName node) : Node.NodeBase
{
    /// <summary>The kernel's client has room for more; the kubelet stops pods from coming here before that.</summary>
    private const long MostVolumes = 250;

    private static readonly IReadOnlyList<NodeServiceCapability.Types.RPC.Types.Type> Abilities =
    [
        NodeServiceCapability.Types.RPC.Types.Type.StageUnstageVolume, NodeServiceCapability.Types.RPC.Types.Type.GetVolumeStats,
        NodeServiceCapability.Types.RPC.Types.Type.ExpandVolume,
    ];

    public override Task<NodeGetInfoResponse> NodeGetInfo(NodeGetInfoRequest request, ServerCallContext context) =>
        Task.FromResult(new NodeGetInfoResponse { NodeId = node.Name, MaxVolumesPerNode = MostVolumes });

    public override Task<NodeGetCapabilitiesResponse> NodeGetCapabilities(NodeGetCapabilitiesRequest request, ServerCallContext context)
    {
        var able = Abilities.Select(type => new NodeServiceCapability { Rpc = new() { Type = type } });
        return Task.FromResult(new NodeGetCapabilitiesResponse { Capabilities = { able } });
    }

    public override Task<NodeStageVolumeResponse> NodeStageVolume(NodeStageVolumeRequest request, ServerCallContext context) =>
        CallErrors.AnswerAsync(async () =>
        {
            await volumes.StageAsync(RequestReader.Volume(request.VolumeId), RequestReader.Use(request.VolumeCapability),
                reader.Path(request.StagingTargetPath, "staging path"), context.CancellationToken).ConfigureAwait(false);
            return new NodeStageVolumeResponse();
        });

    public override Task<NodeUnstageVolumeResponse> NodeUnstageVolume(NodeUnstageVolumeRequest request, ServerCallContext context) =>
        CallErrors.AnswerAsync(async () =>
        {
            await volumes.UnstageAsync(RequestReader.Volume(request.VolumeId), reader.Path(request.StagingTargetPath, "staging path"),
                context.CancellationToken).ConfigureAwait(false);
            return new NodeUnstageVolumeResponse();
        });

    public override Task<NodePublishVolumeResponse> NodePublishVolume(NodePublishVolumeRequest request, ServerCallContext context) =>
        CallErrors.AnswerAsync(async () =>
        {
            var use = RequestReader.Use(request.VolumeCapability, request.Readonly);
            await volumes.PublishAsync(RequestReader.Volume(request.VolumeId), use, reader.Path(request.StagingTargetPath, "staging path"),
                reader.Path(request.TargetPath, "target path"), context.CancellationToken).ConfigureAwait(false);
            return new NodePublishVolumeResponse();
        });

    public override Task<NodeUnpublishVolumeResponse> NodeUnpublishVolume(NodeUnpublishVolumeRequest request, ServerCallContext context) =>
        CallErrors.AnswerAsync(async () =>
        {
            await volumes.UnpublishAsync(RequestReader.Volume(request.VolumeId), reader.Path(request.TargetPath, "target path"),
                context.CancellationToken).ConfigureAwait(false);
            return new NodeUnpublishVolumeResponse();
        });

    public override Task<NodeGetVolumeStatsResponse> NodeGetVolumeStats(NodeGetVolumeStatsRequest request, ServerCallContext context) =>
        CallErrors.AnswerAsync(async () =>
        {
            var room = await volumes.LookAsync(RequestReader.Volume(request.VolumeId), reader.Path(request.VolumePath, "volume path"),
                context.CancellationToken).ConfigureAwait(false);
            return new NodeGetVolumeStatsResponse { Usage = { Usage(room) } };
        });

    public override Task<NodeExpandVolumeResponse> NodeExpandVolume(NodeExpandVolumeRequest request, ServerCallContext context) =>
        CallErrors.AnswerAsync(async () =>
        {
            var volume = RequestReader.Volume(request.VolumeId);
            reader.Path(request.VolumePath, "volume path");
            var (wanted, most) = (request.CapacityRange?.RequiredBytes ?? 0, request.CapacityRange?.LimitBytes ?? 0);
            if (wanted < 0 || most < 0 || (most > 0 && most < wanted))
                throw new VolumeException(VolumeProblem.Request, $"a volume of {wanted} bytes at least and {most} at most is none");
            var bytes = await volumes.ExpandAsync(volume, wanted, context.CancellationToken).ConfigureAwait(false);
            return new NodeExpandVolumeResponse { CapacityBytes = bytes };
        });

    private static IReadOnlyList<VolumeUsage> Usage(VolumeRoom room) => room.FileSystem is not { } own
        ? [new VolumeUsage { Unit = VolumeUsage.Types.Unit.Bytes, Total = room.Bytes }]
        :
        [
            new VolumeUsage { Unit = VolumeUsage.Types.Unit.Bytes, Total = own.Bytes, Available = own.FreeBytes, Used = own.UsedBytes },
            new VolumeUsage
            {
                Unit = VolumeUsage.Types.Unit.Inodes, Total = own.Files, Available = own.FreeFiles, Used = own.Files - own.FreeFiles,
            },
        ];
}

/// <summary>A machine's name in Kubernetes.</summary>
internal sealed record NodeName(string Name);

using Grpc.Core;
using Operos.Csi.Protocol;

namespace Operos.Csi.Calls;

/// <summary>Who this plugin is.</summary>
internal sealed class IdentityCalls : Identity.IdentityBase
{
    private static readonly string Version = typeof(IdentityCalls).Assembly.GetName().Version?.ToString(fieldCount: 3) ?? "0";

    public override Task<GetPluginInfoResponse> GetPluginInfo(GetPluginInfoRequest request, ServerCallContext context) =>
        Task.FromResult(new GetPluginInfoResponse { Name = CsiNames.Driver, VendorVersion = Version });

    /// <summary>The controller makes and deletes volumes by itself: it is asked for nothing by this protocol.</summary>
    public override Task<GetPluginCapabilitiesResponse> GetPluginCapabilities(GetPluginCapabilitiesRequest request,
        ServerCallContext context)
    {
        var online = new PluginCapability { VolumeExpansion = new() { Type = PluginCapability.Types.VolumeExpansion.Types.Type.Online } };
        return Task.FromResult(new GetPluginCapabilitiesResponse { Capabilities = { online } });
    }

    public override Task<ProbeResponse> Probe(ProbeRequest request, ServerCallContext context) =>
        Task.FromResult(new ProbeResponse { Ready = true });
}

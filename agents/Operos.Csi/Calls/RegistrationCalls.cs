using Grpc.Core;
using Microsoft.Extensions.Logging;
using Operos.Csi.Protocol;
using Operos.Linux;

namespace Operos.Csi.Calls;

/// <summary>What the kubelet asks a plugin that it finds.</summary>
internal sealed class RegistrationCalls(CsiPaths paths, ILogger<RegistrationCalls> logger) : Registration.RegistrationBase
{
    private const string Kind = "CSIPlugin", Version = "1.0.0";

    public override Task<PluginInfo> GetInfo(InfoRequest request, ServerCallContext context) => Task.FromResult(new PluginInfo
        { Type = Kind, Name = CsiNames.Driver, Endpoint = paths.Socket, SupportedVersions = { Version } });

    public override Task<RegistrationStatusResponse> NotifyRegistrationStatus(RegistrationStatus request, ServerCallContext context)
    {
        if (request.PluginRegistered) logger.Registered();
        else logger.NotRegistered(PrintableText.Line(request.Error) ?? "");
        return Task.FromResult(new RegistrationStatusResponse());
    }
}

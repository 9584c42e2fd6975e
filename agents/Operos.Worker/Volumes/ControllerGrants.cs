using Operos.Ceph;
using Operos.Csi;
using Operos.Proto;
using Operos.Proto.Connection;

namespace Operos.Worker.Volumes;

/// <summary>Asks the controller who may have a volume, over this machine's session.</summary>
internal sealed class ControllerGrants : IImageGrants
{
    private volatile ControlConnection? controller;

    public object? Session => controller;

    public void Follow(ControlConnection connection) => controller = connection;

    public async Task<ImageGrant> TakeAsync(string volume, CancellationToken cancellationToken)
    {
        var grant = await AskAsync<VolumeGrant>(new StageVolume { Volume = volume, Image = volume }, cancellationToken)
            .ConfigureAwait(false);
        return Guid.TryParse(grant.Fsid, out var fsid) && MonitorMap.Read(fsid, grant.Monitors) is { } map
            && CephKey.Parse(grant.Key) is { } key && IsName(grant.Pool) && IsName(grant.User) && grant.Image == volume
                ? new ImageGrant(map, grant.Pool, grant.Image, grant.User, key, grant.Bytes)
                : throw new VolumeException(VolumeProblem.Failure, $"what the controller says of {volume} cannot be used");
    }

    public Task TellAsync(string volume, IReadOnlyList<string> addresses, CancellationToken cancellationToken) =>
        AskAsync<Done>(new TellVolume { Volume = volume, Addresses = addresses }, cancellationToken);

    public Task ReturnAsync(string volume, CancellationToken cancellationToken) =>
        AskAsync<Done>(new ReleaseVolume { Volume = volume }, cancellationToken);

    /// <summary>What goes into a line that the kernel splits at blanks and commas.</summary>
    private static bool IsName(string text) =>
        text is { Length: > 0 and <= 64 } && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');

    private async Task<T> AskAsync<T>(Message request, CancellationToken cancellationToken) where T : Message
    {
        if (controller is not { } connection)
            throw new VolumeException(VolumeProblem.Silence, "the controller is not connected, which says who may have a volume");
        try { return await connection.CallAsync<T>(request, cancellationToken).ConfigureAwait(false); }
        catch (ControlFaultException e)
        {
            throw new VolumeException(e.Code switch
            {
                FaultCode.Conflict => VolumeProblem.NotNow,
                FaultCode.NotFound => VolumeProblem.Unknown,
                FaultCode.Busy => VolumeProblem.Silence,
                _ => VolumeProblem.Failure,
            }, e.Message, e);
        }
        catch (Exception e) when (e is TimeoutException or IOException)
        {
            throw new VolumeException(VolumeProblem.Silence, $"the controller does not answer: {e.Message}", e);
        }
    }
}

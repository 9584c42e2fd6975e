using Grpc.Core;

namespace Operos.Csi.Calls;

/// <summary>How a refusal is said in gRPC: the specification gives each code a meaning, by which the kubelet tries again or not.</summary>
internal static class CallErrors
{
    /// <summary>Answers, or says why not.</summary>
    public static async Task<T> AnswerAsync<T>(Func<Task<T>> act)
    {
        try { return await act().ConfigureAwait(false); }
        catch (VolumeException e) { throw new RpcException(new Status(CodeOf(e.Problem), e.Message)); }
        catch (IOException e) { throw new RpcException(new Status(StatusCode.Internal, e.Message)); }
    }

    private static StatusCode CodeOf(VolumeProblem problem) => problem switch
    {
        VolumeProblem.Request => StatusCode.InvalidArgument,
        VolumeProblem.NotNow => StatusCode.FailedPrecondition,
        VolumeProblem.Unknown => StatusCode.NotFound,
        VolumeProblem.Busy => StatusCode.Aborted,
        VolumeProblem.Silence => StatusCode.Unavailable,
        _ => StatusCode.Internal,
    };
}

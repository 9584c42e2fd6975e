using Operos.Controller.Storage;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>The monitor's lost store is made anew without waiting for some OSDs.</summary>
internal sealed class MonitorRebuild(RackStorage storage) : Operation<RebuildMonitor>("storage rebuild", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(RebuildMonitor input) =>
        [("without", string.Join(',', (input.Without ?? []).Take(RebuildMonitor.MostOsds)))];

    protected override Task<Message> RunAsync(RebuildMonitor input, Caller caller, CancellationToken cancellationToken) =>
        Task.FromResult<Message>(new Done { Text = storage.Forgo(input.Without, caller.Name) });
}

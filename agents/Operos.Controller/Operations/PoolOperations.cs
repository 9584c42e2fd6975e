using Operos.Controller.Storage;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>How many copies the pool of volumes keeps, and with how many it works.</summary>
internal sealed class PoolSetting(RackStorage storage) : Operation<SetPool>("storage pool set", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(SetPool input) =>
        [("copies", input.Copies is { } copies ? $"{copies}" : null), ("minSize", input.MinSize is { } least ? $"{least}" : null)];

    protected override async Task<Message> RunAsync(SetPool input, Caller caller, CancellationToken cancellationToken) =>
        new Done { Text = await storage.Pool.SetAsync(input, caller.Name, cancellationToken).ConfigureAwait(false) };
}

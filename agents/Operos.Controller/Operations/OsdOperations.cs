using Operos.Controller.Storage;
using Operos.Proto;

namespace Operos.Controller.Operations;

/// <summary>Has what is on an OSD copied to others.</summary>
internal sealed class OsdTakingOut(RackStorage storage) : Operation<TakeOsdOut>("storage osd out", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(TakeOsdOut input) => [("osd", $"{input.Osd}")];

    protected override async Task<Message> RunAsync(TakeOsdOut input, Caller caller, CancellationToken cancellationToken) =>
        new Done { Text = await storage.Osds.MarkAsync(input.Osd, false, caller.Name, cancellationToken).ConfigureAwait(false) };
}

/// <summary>Puts data on an OSD again.</summary>
internal sealed class OsdPuttingIn(RackStorage storage) : Operation<PutOsdIn>("storage osd in", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(PutOsdIn input) => [("osd", $"{input.Osd}")];

    protected override async Task<Message> RunAsync(PutOsdIn input, Caller caller, CancellationToken cancellationToken) =>
        new Done { Text = await storage.Osds.MarkAsync(input.Osd, true, caller.Name, cancellationToken).ConfigureAwait(false) };
}

/// <summary>Takes an OSD from the cluster whose disk does not come back.</summary>
internal sealed class OsdRemoval(RackStorage storage) : Operation<RemoveOsd>("storage osd remove", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(RemoveOsd input) =>
        [("osd", $"{input.Osd}"), ("loseData", input.LoseData ? "yes" : null)];

    protected override async Task<Message> RunAsync(RemoveOsd input, Caller caller, CancellationToken cancellationToken) =>
        new Done
        {
            Text = await storage.Osds.RemoveAsync(input.Osd, input.LoseData, caller.Name, cancellationToken).ConfigureAwait(false),
        };
}

/// <summary>Keeps an OSD's number and place for another disk of its machine.</summary>
internal sealed class OsdReplacement(RackStorage storage) : Operation<ReplaceOsd>("storage osd replace", OperatorRole.Operator)
{
    protected override IEnumerable<(string Name, string? Value)> Record(ReplaceOsd input) =>
        [("osd", $"{input.Osd}"), ("loseData", input.LoseData ? "yes" : null)];

    protected override async Task<Message> RunAsync(ReplaceOsd input, Caller caller, CancellationToken cancellationToken) =>
        new Done
        {
            Text = await storage.Osds.ReplaceAsync(input.Osd, input.LoseData, caller.Name, cancellationToken).ConfigureAwait(false),
        };
}

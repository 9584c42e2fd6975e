using Operos.Lab;
using Operos.Policy.Nftables;
using Operos.Policy.Tests.Oracle;

namespace Operos.Policy.Tests.Packets;

/// <summary>Somebody flushes all of nftables, and tells nobody.</summary>
[Collection("packets")]
public sealed class FlushTests() : NftNamespace("flush")
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>A minute is a second of it.</summary>
    private sealed class HurriedClock : TimeProvider
    {
        private const int Hurry = 60;
        public override long GetTimestamp() => base.GetTimestamp() * Hurry;
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task The_table_is_back_however_busy_the_cluster_is_and_closed_while_nothing_is_known_of_it(bool begun)
    {
        using var applier = Applier();
        var world = new World(PodLab.Node, ["10.10.1.0/24"], [], [PodLab.Pod("a"), PodLab.Pod("b")], []);
        using var enforcer = new PolicyEnforcer(world.NodeView, applier, time: new HurriedClock());
        using var stop = new CancellationTokenSource();
        if (begun)
        {
            enforcer.Change(view => view.ReplacePods(world.Pods));
            enforcer.Begin();
        }
        var running = enforcer.RunAsync(stop.Token);
        await Wait.UntilAsync("the table is in force", Patience, IsThereAsync);
        var before = await NftAsync("list", "ruleset");

        // Pods of other nodes come, go and report: no rule of this node changes.
        var busy = KeepBusyAsync(enforcer, stop.Token);
        await NftAsync("flush", "ruleset");
        await Wait.UntilAsync("the table is back", Patience, IsThereAsync);
        Assert.Equal(before, await NftAsync("list", "ruleset"));
        Assert.Contains("drop", before, StringComparison.Ordinal);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await busy;
    }

    private static async Task KeepBusyAsync(PolicyEnforcer enforcer, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            enforcer.Change(_ => { });
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private async Task<bool> IsThereAsync() => (await NftAsync("list", "tables")).Contains(Ruleset.Table, StringComparison.Ordinal);
}

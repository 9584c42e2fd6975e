using Operos.Proto;

namespace Operos.Controller.Tests;

/// <summary>What an operator hears of a machine whose memory runs out.</summary>
public sealed class MachineMemoryTests
{
    [Fact]
    public async Task A_machine_with_little_memory_left_says_so_in_its_note_until_it_has_some()
    {
        const string Left = "82 MB of 2.0 GB of memory are left: of that, files written to the root 900 MB (/run/operos/overlay)";
        await using var controller = new TestController();
        var (id, connection, _) = await controller.JoinAsync(TestController.Machine(1));
        Assert.Null(await NoteAsync());
        await BeatAsync(new NodeStep { Name = "memory", Done = false, Text = Left, SinceUnixMs = 1 });
        Assert.Equal(Left, await NoteAsync());
        await BeatAsync(new NodeStep { Name = "memory", Done = true, Text = "1.3 GB of 2.1 GB are for pods", SinceUnixMs = 1 });
        Assert.Null(await NoteAsync());

        async Task BeatAsync(NodeStep step) =>
            await connection.CallAsync<HeartbeatReply>(TestController.Beat("boot-1") with { Steps = [step] }, default);
        async Task<string?> NoteAsync() =>
            (await controller.OperateAsync<MachineDetail>(new ShowMachine { Machine = id })).Summary.Note;
    }
}

using Operos.Proto;

namespace Operos.Controller.Tests;

/// <summary>Whether a machine is said to be up.</summary>
public sealed class MachineStateTests
{
    [Fact]
    public async Task One_that_was_connected_when_the_agent_was_killed_is_up_until_it_had_the_time_to_come_back_and_to_speak()
    {
        await using var before = new TestController();
        var (id, connection, certificate) = await before.JoinAsync(TestController.Machine(1));
        await using var joined = connection;
        var copy = Directory.CreateTempSubdirectory("operos-killed-").FullName;
        try
        {
            // What a kill leaves is what stands there now.
            foreach (var file in Directory.EnumerateFiles(before.Folder, "*", SearchOption.AllDirectories))
            {
                var path = Path.Combine(copy, Path.GetRelativePath(before.Folder, file));
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.Copy(file, path);
            }
            await using var after = new TestController(folder: copy);
            Assert.Equal("up", await StateAsync(after, id));
            await using var again = await after.ConnectAsync(certificate);
            await again.CallAsync<Done>(new ReportDisks { Disks = [] }, default);
            Assert.Equal("up", await StateAsync(after, id));
            after.Clock.Ahead = TimeSpan.FromMinutes(1);
            Assert.Equal("down", await StateAsync(after, id));
            await again.CallAsync<HeartbeatReply>(TestController.Beat("boot-1"), default);
            Assert.Equal("up", await StateAsync(after, id));
        }
        finally { Directory.Delete(copy, recursive: true); }
    }

    private static async Task<string> StateAsync(TestController controller, string id) =>
        (await controller.OperateAsync<MachineList>(new ListMachines())).Machines.Single(machine => machine.Id == id).State;
}

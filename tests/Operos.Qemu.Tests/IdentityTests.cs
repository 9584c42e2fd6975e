using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>A machine stays itself over reboots and changed parts.</summary>
public sealed class IdentityTests
{
    [Fact]
    public async Task Reboot_a_swapped_disk_a_swapped_NIC_and_a_swapped_board_keep_the_UUID()
    {
        await using var rack = await Rack.CreateAsync();
        await rack.WatchAsync(async () =>
        {
            var options = new VirtualMachineOptions
            {
                Name = "worker", Uuid = "5d0f8a44-3333-4c1c-9d6b-2f3d5a7b9c10", Nics = [new VirtualNic("52:54:00:aa:00:05")], Disks = [("DISK-A1", rack.NewDisk("a"))],
                TpmState = rack.Folder["tpm"],
            };
            var machine = await rack.PowerOnAsync(options);
            var (id, first) = await rack.EnrolledAsync(machine);

            machine.Console.Mark();
            Assert.Contains("reboots", await rack.Controller.CtlAsync(["machines", "reboot", id], default), StringComparison.Ordinal);
            var (afterReboot, second) = await rack.EnrolledAsync(machine);
            Assert.Equal(id, afterReboot);
            Assert.NotEqual(first.GetProperty("bootId").GetString(), second.GetProperty("bootId").GetString());
            machine.Dispose();

            machine = await rack.PowerOnAsync(options with { Name = "other-disk", Disks = [("DISK-B2", rack.NewDisk("b"))] });
            Assert.Equal(id, (await rack.EnrolledAsync(machine)).Id);
            machine.Dispose();

            machine = await rack.PowerOnAsync(options with { Name = "other-nic", Disks = [("DISK-B2", rack.Folder["b.img"])], Nics = [new VirtualNic("52:54:00:aa:00:06")] });
            Assert.Equal(id, (await rack.EnrolledAsync(machine)).Id);
            Assert.Single(await rack.Controller.WorkersAsync(default));
            var story = await rack.Controller.CtlAsync(["machines", "show", id], default);
            Assert.Contains("disk disk-a1", story.Replace("/", "", StringComparison.Ordinal), StringComparison.Ordinal);
            Assert.Contains("nic 52:54:00:aa:00:06 is new", story, StringComparison.Ordinal);
            machine.Dispose();

            // Another main board, as its firmware tells; the TPM is a module and moved along with disk and NIC.
            machine = await rack.PowerOnAsync(options with { Name = "other-board", Uuid = "5d0f8a44-4444-4c1c-9d6b-2f3d5a7b9c10", Disks = [("DISK-B2", rack.Folder["b.img"])], Nics = [new VirtualNic("52:54:00:aa:00:06")] });
            Assert.Equal(id, (await rack.EnrolledAsync(machine)).Id);
            using var detail = System.Text.Json.JsonDocument.Parse(await rack.Controller.CtlAsync(["machines", "show", id, "--json"], default));
            using var inventory = System.Text.Json.JsonDocument.Parse(detail.RootElement.GetProperty("inventory").GetBytesFromBase64());
            Assert.Matches("^[0-9a-f]{64}$", inventory.RootElement.GetProperty("tpmEndorsementKey").GetString());
        });
    }
}

using System.Text.Json;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>
/// A machine stays itself over changed parts. Guests with such parts, read by a real kernel, tell what they are; the real agent enrols
/// with that at the real controller, natively. (A reboot: <see cref="BiosTests"/>.)
/// </summary>
public sealed class IdentityTests(BareRelease bare)
{
    [Fact]
    public async Task A_swapped_disk_a_swapped_NIC_and_a_swapped_board_keep_the_UUID()
    {
        await using var rack = await Rack.CreateAsync(await bare.BuildAsync());
        await rack.WatchAsync(async () =>
        {
            var options = new VirtualMachineOptions
            {
                Name = "first", Uuid = "5d0f8a44-3333-4c1c-9d6b-2f3d5a7b9c10", Nics = [new VirtualNic("52:54:00:aa:00:05")],
                Disks = [new VirtualDisk("DISK-A1", rack.NewDisk("a"))], TpmState = rack.Folder["tpm"],
            };
            var id = await EnrolAsync(rack, options);

            options = options with { Name = "other-disk", Disks = [new VirtualDisk("DISK-B2", rack.NewDisk("b"))] };
            Assert.Equal(id, await EnrolAsync(rack, options));

            options = options with { Name = "other-nic", Nics = [new VirtualNic("52:54:00:aa:00:06")] };
            Assert.Equal(id, await EnrolAsync(rack, options));
            Assert.Single(await rack.Controller.WorkersAsync(rack.Over));
            var story = await rack.Controller.CtlAsync(["machines", "show", id], rack.Over);
            Assert.Contains("disk disk-a1", story.Replace("/", "", StringComparison.Ordinal), StringComparison.Ordinal);
            Assert.Contains("nic 52:54:00:aa:00:06 is new", story, StringComparison.Ordinal);

            // Another main board, as its firmware tells; the TPM is a module and moved along with disk and NIC.
            options = options with { Name = "other-board", Uuid = "5d0f8a44-4444-4c1c-9d6b-2f3d5a7b9c10" };
            Assert.Equal(id, await EnrolAsync(rack, options));
            using var inventory = JsonDocument.Parse(await rack.DetailAsync(id, "inventory"));
            Assert.Matches("^[0-9a-f]{64}$", inventory.RootElement.GetProperty("tpmEndorsementKey").GetString());
            Assert.Equal(options.Uuid, inventory.RootElement.GetProperty("system").GetProperty("uuid").GetString());
        });
    }

    /// <summary>Powers the machine on until it has told what it is made of, and enrols as it.</summary>
    private static async Task<string> EnrolAsync(Rack rack, VirtualMachineOptions options)
    {
        var machine = await rack.StartKernelAsync(options);
        var (_, inventory) = await rack.TellsAsync(machine);
        machine.Dispose();
        return await NativeAgent.EnrolAsync(rack, options.Name, inventory);
    }
}

using System.Security.Cryptography.X509Certificates;
using Operos.Controller.Configuration;
using Operos.Proto;

namespace Operos.Controller.Tests;

/// <summary>Machines whose disks carry their secret; those without disks are <see cref="ReadmissionTests"/>'.</summary>
public sealed class TokenTests
{
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData(nameof(ReadmissionPolicy.Auto))]
    [InlineData(nameof(ReadmissionPolicy.Approve))]
    public async Task Who_shows_the_secret_of_its_disks_is_back_at_once_from_a_boot_that_nobody_ordered(string policy)
    {
        await using var controller = new TestController(readmission: Enum.Parse<ReadmissionPolicy>(policy));
        var token = await FirstAsync(controller, 1);
        for (var boot = 2; boot <= 6; boot++)
        {
            var reply = await controller.EnrolAsync(TestController.Machine(1), $"boot-{boot}", null, token);
            Assert.Equal(Admission.Admitted, reply.Admission);
            Assert.Equal(32, reply.Token!.Length);
            Assert.NotEqual(token, reply.Token);
            token = reply.Token;
        }
        Assert.Empty((await controller.OperateAsync<StatusReply>(new ShowStatus())).Alarms);
    }

    [Fact]
    public async Task A_machine_that_has_shown_it_and_shows_it_no_more_waits_out_the_silence_and_alarms_once()
    {
        await using var controller = new TestController();
        var given = await FirstAsync(controller, 1);
        await controller.EnrolAsync(TestController.Machine(1), "boot-2", null, given);
        Assert.Equal(Admission.DuplicateLive, (await controller.EnrolAsync(TestController.Machine(1), "boot-3")).Admission);
        controller.Clock.Ahead += Silence;
        var back = await controller.EnrolAsync(TestController.Machine(1), "boot-3");
        Assert.Equal(Admission.Admitted, back.Admission);
        Assert.Contains("it did not show the secret of its disks", await AlarmAsync(controller, back.MachineId), StringComparison.Ordinal);
        // Its disks are gone, and the secret with them: nobody comes back with it, and the machine is one without disks.
        controller.Clock.Ahead += Silence;
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(1), "boot-4", null, given)).Admission);
        Assert.DoesNotContain("secret", await AlarmAsync(controller, back.MachineId), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_of_all_that_a_machine_tells_is_not_the_machine_in_an_ordered_reboot_either()
    {
        await using var controller = new TestController();
        var given = await FirstAsync(controller, 1);
        var admitted = await controller.EnrolAsync(TestController.Machine(1), "boot-2", null, given);
        await RebootAsync(controller, admitted, "boot-2");
        Assert.Equal(Admission.DuplicateLive, (await controller.EnrolAsync(TestController.Machine(1), "copy")).Admission);
        var back = await controller.EnrolAsync(TestController.Machine(1), "boot-3", null, admitted.Token);
        Assert.Equal((Admission.Admitted, admitted.MachineId), (back.Admission, back.MachineId));
        // That another told all that it tells is to be settled.
        Assert.Contains("claims to be it", await AlarmAsync(controller, back.MachineId), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(ReadmissionPolicy.Auto), Admission.Admitted)]
    [InlineData(nameof(ReadmissionPolicy.Approve), Admission.Pending)]
    public async Task After_an_ordered_reboot_disks_have_a_minute_to_be_found_and_who_has_not_shown_the_secret_then_is_told_of(
        string policy, Admission then)
    {
        await using var controller = new TestController(readmission: Enum.Parse<ReadmissionPolicy>(policy));
        var admitted = await controller.EnrolAsync(TestController.Machine(1), "boot-2", null, await FirstAsync(controller, 1));
        await RebootAsync(controller, admitted, "boot-2");
        // Longer than the silence, as every machine takes.
        controller.Clock.Ahead += Silence;
        var early = await controller.EnrolAsync(TestController.Machine(1), "boot-3");
        Assert.Equal(Admission.DuplicateLive, early.Admission);
        Assert.Contains("has not shown the secret that its disks carry yet", early.Text, StringComparison.Ordinal);
        controller.Clock.Ahead += TimeSpan.FromSeconds(30);
        // Its disks turn now.
        Assert.Equal(Admission.Admitted,
            (await controller.EnrolAsync(TestController.Machine(1), "boot-3", null, admitted.Token)).Admission);
        Assert.Equal("", await AlarmAsync(controller, admitted.MachineId));

        var next = await controller.EnrolAsync(TestController.Machine(1), "boot-3");
        await RebootAsync(controller, next, "boot-3");
        await controller.EnrolAsync(TestController.Machine(1), "boot-4");
        controller.Clock.Ahead += Silence + TimeSpan.FromSeconds(1);
        var late = await controller.EnrolAsync(TestController.Machine(1), "boot-4");
        Assert.Equal(then, late.Admission);
        var told = then == Admission.Admitted ? await AlarmAsync(controller, next.MachineId) : late.Text;
        Assert.Contains("reboot that was ordered", told, StringComparison.Ordinal);
        Assert.Contains("the secret of its disks", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_whose_power_was_cut_before_its_disks_had_the_new_one_shows_the_one_before_and_older_ones_count_no_more()
    {
        await using var controller = new TestController();
        var first = await FirstAsync(controller, 1);
        var (id, second) = await BootAsync(controller, 1, "boot-2", first);
        // The disks never had the second: three times.
        for (var boot = 3; boot <= 5; boot++) await BootAsync(controller, 1, $"boot-{boot}", first);
        // And one of them did.
        var (_, third) = await BootAsync(controller, 1, "boot-6", first);
        var (_, fourth) = await BootAsync(controller, 1, "boot-7", first, third);
        foreach (var (old, boot) in new[] { (first, "boot-8"), (second, "boot-9") })
            Assert.Equal(Admission.DuplicateLive, (await controller.EnrolAsync(TestController.Machine(1), boot, null, old)).Admission);
        Assert.Equal(id, (await BootAsync(controller, 1, "boot-10", fourth)).Id);
    }

    [Fact]
    public async Task A_disk_that_moved_proves_no_other_machine_and_a_malformed_secret_nothing()
    {
        await using var controller = new TestController(readmission: ReadmissionPolicy.Approve);
        var (one, two) = (await FirstAsync(controller, 1), await FirstAsync(controller, 2));
        var (_, own) = await BootAsync(controller, 2, "boot-2", two);
        foreach (var shown in (byte[][])[one, own[..31], [.. own, 0], new byte[32], []])
            Assert.Equal(Admission.DuplicateLive,
                (await controller.EnrolAsync(TestController.Machine(2), "boot-3", null, shown)).Admission);
        // Beside its own it does no harm.
        Assert.Equal(Admission.Admitted, (await controller.EnrolAsync(TestController.Machine(2), "boot-4", null, one, own)).Admission);
    }

    [Fact]
    public async Task What_the_registry_keeps_is_no_secret_and_outlives_the_controller()
    {
        var folder = Directory.CreateTempSubdirectory("operos-token-").FullName;
        try
        {
            byte[] token;
            await using (var controller = new TestController(folder: folder)) token = await FirstAsync(controller, 1);
            foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            {
                var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
                Assert.DoesNotContain(Convert.ToHexStringLower(token), text.ToLowerInvariant(), StringComparison.Ordinal);
                Assert.DoesNotContain(Convert.ToBase64String(token), text, StringComparison.Ordinal);
            }
            await using var next = new TestController(folder: folder);
            Assert.Equal(Admission.Admitted, (await next.EnrolAsync(TestController.Machine(1), "boot-2", null, token)).Admission);
            Assert.Empty((await next.OperateAsync<StatusReply>(new ShowStatus())).Alarms);
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    private static async Task<byte[]> FirstAsync(TestController controller, int machine) =>
        (await BootAsync(controller, machine, "boot-1")).Token;

    private static async Task<(string Id, byte[] Token)> BootAsync(TestController controller, int machine, string boot,
        params IReadOnlyList<byte[]?> shown)
    {
        var reply = await controller.EnrolAsync(TestController.Machine(machine), boot, null, shown);
        Assert.Equal(Admission.Admitted, reply.Admission);
        return (reply.MachineId, reply.Token!);
    }

    /// <summary>Its agent connects, is told to reboot, and is gone.</summary>
    private static async Task RebootAsync(TestController controller, EnrolReply admitted, string boot)
    {
        using var issued = X509CertificateLoader.LoadCertificate(admitted.Certificate!);
        using var certificate = issued.CopyWithPrivateKey(controller.KeyOf(TestController.Machine(1), boot));
        var connection = await controller.ConnectAsync(certificate,
            handler: (_, _) => ValueTask.FromResult<Message>(new Done { Text = "rebooting" }));
        await connection.CallAsync<HeartbeatReply>(TestController.Beat(boot), default);
        await controller.OperateAsync<Done>(new RebootMachine { Machine = admitted.MachineId });
        await controller.LeaveAsync(admitted.MachineId, connection);
    }

    private static async Task<string> AlarmAsync(TestController controller, string id) =>
        (await controller.OperateAsync<MachineList>(new ListMachines())).Machines.Single(machine => machine.Id == id).Alarm ?? "";
}

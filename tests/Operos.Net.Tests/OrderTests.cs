using System.Diagnostics;
using System.Text.Json;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>An operator's orders and questions as they are typed: the real operosctl, controller and workers.</summary>
public sealed class OrderTests
{
    [Fact]
    public async Task A_reboot_is_told_while_it_goes_on_waited_for_and_asked_for_by_any_name_of_the_machine()
    {
        await using var service = await BootService.StartAsync("off", configuration: "[limits]\nsilence = \"1s\"\n");
        var worker = Worker.Start(service, "ordered", Worker.Machine(1));
        var other = Worker.Start(service, "other", Worker.Machine(2));
        var id = await worker.BeUpAsync();
        await other.BeUpAsync();
        var told = await CtlAsync(service, $"machines reboot {Worker.Machine(1).Nics[0].Mac!.ToUpperInvariant().Replace(':', '-')}");
        Assert.Contains($"{id}: reboot, job ", told, StringComparison.Ordinal);
        Assert.Contains($"{id} rebooted and is back", told, StringComparison.Ordinal);
        Assert.Equal("up", await Worker.StateAsync(service, id));
        Assert.Contains(", told by admin at ", await CtlAsync(service, $"machines show {id}"), StringComparison.Ordinal);

        // Without waiting it prints the job's id, and whoever asks next joins it. The machine answers no more while it is stopped.
        worker.Stop();
        try
        {
            var job = (await CtlAsync(service, $"machines reboot {id} --no-wait")).Trim();
            Assert.Matches("^[0-9a-f]{8}$", job);
            await Wait.UntilAsync("it is rebooting", Worker.Soon, async () =>
                (await CtlAsync(service, "machines list --state rebooting")).Contains(id, StringComparison.Ordinal), worker.Log);
            Assert.DoesNotContain(id, await CtlAsync(service, "machines list --state up"), StringComparison.Ordinal);
            // Who gives up waiting ends nothing, and is told so.
            Assert.Contains($"the reboot goes on: operosctl jobs show {job}; to end it: operosctl jobs cancel {job}",
                await RefusedAsync(service, $"machines reboot {id}", program: "timeout -s INT 15"), StringComparison.Ordinal);
            var joined = CtlAsync(service, $"machines reboot {id}");
            worker.Continue();
            Assert.Contains($"reboot goes on already, asked for by admin, job {job}", await joined, StringComparison.Ordinal);
        }
        finally { worker.Continue(); }
        Assert.Equal("up", await Worker.StateAsync(service, id));

        // Both workers have the client host's address.
        var several = await RefusedAsync(service, "machines show 10.77.0.50");
        Assert.Contains("may be 2 machines", several, StringComparison.Ordinal);
        Assert.Contains(id, several, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_is_killed_costs_an_operator_seconds_and_nothing_is_said_to_be_wrong()
    {
        await using var service = await BootService.StartAsync("off");
        var worker = Worker.Start(service, "worker", Worker.Machine(1));
        var id = await worker.BeUpAsync();
        service.Controller.Kill();
        var asked = CtlAsync(service, "machines");
        await service.Controller.RunAsync(default);
        var clock = Stopwatch.StartNew();
        Assert.Matches($"{id} +worker +up", await asked);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"it took {clock.Elapsed.TotalSeconds:0.0} s more");
        await worker.BeUpAsync();
    }

    [Fact]
    public async Task Credentials_that_do_not_count_or_are_not_there_are_told_as_such()
    {
        await using var service = await BootService.StartAsync("off");
        Assert.Contains("no credentials in /no/such: there is no such folder", await RefusedAsync(service, "machines", "/no/such"),
            StringComparison.Ordinal);
        Assert.Contains("--timeout: 'abc' is no time", await RefusedAsync(service, "machines --timeout abc"), StringComparison.Ordinal);
        // A certificate of another cluster's authority, shown to a controller that is trusted.
        await Shell.RunAsync(new Build().Binary("operos-controller"),
            ["setup", "--dir", service.Folder["other"], "--address", "10.77.0.1/24", "--release-key",
            service.Folder["setup/state/release.pub"], "--dhcp-mode", "off"], default);
        foreach (var name in (string[])["ca.crt", "endpoint"])
            File.Copy(service.Folder[$"setup/admin/{name}"], service.Folder[$"other/admin/{name}"], overwrite: true);
        var refused = await RefusedAsync(service, "machines", service.Folder["other/admin"]);
        Assert.Contains("the certificate is refused by the controller", refused, StringComparison.Ordinal);
        Assert.Contains("ended with 4", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_asked_is_refused_before_the_controller_is_and_what_there_is_not_by_it()
    {
        await using var service = await BootService.StartAsync("off");
        using var list = JsonDocument.Parse(await CtlAsync(service, "machines --kind controller --json"));
        var controller = list.RootElement.GetProperty("machines")[0].GetProperty("id").GetString();
        foreach (var (line, code, words) in ((string, int, string)[])
        [
            ("machines nosuch --help", 2, "there is no command 'machines nosuch'"),
            ("machines --state bogus --endpoint 127.0.0.1:1", 2, "--state: 'bogus' is none of up, down"),
            ("operators revoke bob < /dev/null", 2, "there is no terminal to ask at: add --yes"),
            ("machines remove nobody < /dev/null", 4, "no machine 'nobody'"),
            ("machines remove controller < /dev/null", 4, "the controller cannot remove itself"),
            ("machines show 10.77.0.131", 4, "one that boots and has not joined yet is in operosctl leases and operosctl boots"),
            ("events nobody", 4, "no machine 'nobody'"),
            ("machines cordon controller", 4, "this cluster runs no Kubernetes"),
            ("status --endpoint 127.0.0.1:1 --timeout 1s", 3, "cannot be reached"),
        ])
        {
            var told = await RefusedAsync(service, line.Replace("controller", controller, StringComparison.Ordinal));
            Assert.Contains(words, told, StringComparison.Ordinal);
            Assert.Contains($"ended with {code}", told, StringComparison.Ordinal);
        }
    }

    private static Task<string> CtlAsync(BootService service, string line, string? credentials = null, string program = "") =>
        service.Client.RunAsync("sh", ["-c", $"exec {program} '{new Build().Binary("operosctl")}' "
            + $"--config '{credentials ?? service.Folder["setup/admin"]}' {line} 2>&1"]);

    private static async Task<string> RefusedAsync(BootService service, string line, string? credentials = null, string program = "") =>
        (await Assert.ThrowsAsync<LabException>(() => CtlAsync(service, line, credentials, program))).Message;
}

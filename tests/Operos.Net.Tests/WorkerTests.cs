using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Operos.Hardware.Inventories;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>The real operos-worker against the real controller, as they meet in a rack.</summary>
[Collection(Lanes.Workers)]
public sealed partial class WorkerTests
{
    /// <summary>What may be wrong with the files that an agent left.</summary>
    private sealed record Damage(string Name, Action<string> Do)
    {
        public override string ToString() => Name;
    }

    private static readonly Damage[] Damages =
    [
        new("truncated key", folder => Truncate(Path.Combine(folder, "worker.key"), 40)),
        new("truncated certificate", folder => Truncate(Path.Combine(folder, "worker.crt"), 100)),
        new("empty key", folder => Truncate(Path.Combine(folder, "worker.key"), 0)),
        new("empty certificate", folder => Truncate(Path.Combine(folder, "worker.crt"), 0)),
        new("no key", folder => File.Delete(Path.Combine(folder, "worker.key"))),
        new("no certificate", folder => File.Delete(Path.Combine(folder, "worker.crt"))),
        new("certificate that is a key", folder => File.Copy(
            Path.Combine(folder, "worker.key"), Path.Combine(folder, "worker.crt"), overwrite: true)),
        new("key of another certificate, as of a kill between the two",
            folder => File.WriteAllText(Path.Combine(folder, "worker.key"), OtherKey())),
        new("zeros for a certificate", folder => File.WriteAllBytes(Path.Combine(folder, "worker.crt"), new byte[800])),
    ];

    [Fact]
    public async Task A_worker_is_up_at_once_survives_kills_damaged_files_and_its_controller_and_ends_cleanly()
    {
        // A machine that lost its key is another boot of it, which waits until the one before has been silent for so long.
        await using var service = await BootService.StartAsync("off", configuration: "[limits]\nsilence = \"1s\"\n");
        var worker = Worker.Start(service, "worker", Worker.Machine(1));
        var id = await worker.BeUpAsync();

        worker.Kill();
        await Wait.UntilAsync("the killed worker is down", Worker.Soon, async () => await Worker.StateAsync(service, id) == "down",
            worker.Log);
        var certificate = File.ReadAllText(Path.Combine(worker.StateFolder, "worker.crt"));
        worker.Restart();
        Assert.Equal(id, await worker.BeUpAsync());
        // It came back with what it had: no second enrolment.
        Assert.Equal(certificate, File.ReadAllText(Path.Combine(worker.StateFolder, "worker.crt")));

        foreach (var damage in Damages)
        {
            worker.Kill();
            damage.Do(worker.StateFolder);
            File.Delete(Path.Combine(worker.StateFolder, "status.json"));
            worker.Restart();
            Assert.True(await worker.BeUpAsync() == id, $"{damage}: another UUID");
            Assert.True(certificate != (certificate = File.ReadAllText(Path.Combine(worker.StateFolder, "worker.crt"))),
                $"{damage}: the certificate is the old one");
        }

        service.Controller.Kill();
        await worker.ReachAsync("connecting");
        await service.Controller.RunAsync(default);
        Assert.Equal(id, await worker.BeUpAsync());

        var (code, took) = worker.Terminate();
        Assert.True(code == 0 && took < TimeSpan.FromSeconds(2), $"SIGTERM: exit code {code} after {took.TotalSeconds:0.0} s");
        await Wait.UntilAsync("the ended worker is down", Worker.Soon, async () => await Worker.StateAsync(service, id) == "down",
            worker.Log);
    }

    [Fact]
    public async Task A_controller_of_another_cluster_is_refused_in_plain_words_again_and_again()
    {
        await using var service = await BootService.StartAsync("off");
        await Shell.RunAsync(new Build().Binary("operos-controller"),
            ["setup", "--dir", service.Folder["other"], "--address", "10.77.0.1/24", "--release-key",
            service.Folder["setup/state/release.pub"], "--dhcp-mode", "off"], default);
        var worker = Worker.Start(service, "worker", Worker.Machine(1), authority: service.Folder["other/admin/ca.crt"]);
        await worker.SaysAsync($"the controller at {NativeController.Address}:7443 is not trusted: its certificate is not of this cluster");
        // It says each thing once, but tries on: the status file is written anew.
        // It is told first, then written; and while it tries, the file has no error.
        JsonElement first = default;
        await Wait.UntilAsync("its status has the error", Worker.Soon,
            () => Task.FromResult(worker.ReadStatus() is { } status && (first = status).TryGetProperty("lastError", out _)), worker.Log);
        Assert.Contains("not trusted", first.GetProperty("lastError").GetString(), StringComparison.Ordinal);
        await Wait.UntilAsync("it tries again", Worker.Soon,
            () => Task.FromResult(worker.ReadStatus()!.Value is var now && now.TryGetProperty("lastError", out var _)
            && now.GetProperty("since").GetDateTimeOffset() > first.GetProperty("since").GetDateTimeOffset()), worker.Log);
        Assert.True(worker.IsRunning);
        Assert.DoesNotContain("   at ", File.ReadAllText(worker.Log), StringComparison.Ordinal);
        Assert.Empty(await service.Controller.WorkersAsync(default));
        Assert.Equal(0, worker.Terminate().Code);
    }

    [Fact]
    public async Task A_second_machine_with_a_live_one_s_evidence_is_refused_and_the_operator_sees_it()
    {
        await using var service = await BootService.StartAsync("off");
        var first = Worker.Start(service, "first", Worker.Machine(1));
        var id = await first.BeUpAsync();
        var second = Worker.Start(service, "second", Worker.Machine(1));
        Assert.Equal(id, await second.ReachAsync("waiting"));
        await second.SaysAsync($"machine {id} is up already: two machines with one identity");
        Assert.Contains("presented this machine's evidence while it was up: refused",
            await service.Controller.CtlAsync(["machines", "show", id], default), StringComparison.Ordinal);
        Assert.Equal("enrolled", first.ReadStatus()!.Value.GetProperty("state").GetString());
        Assert.Single(await service.Controller.WorkersAsync(default));

        // Each try is one more refusal, but what happened to the machine before stays in sight.
        for (var attempt = 0; attempt < 3; attempt++)
        {
            second.Kill();
            File.Delete(Path.Combine(second.StateFolder, "status.json"));
            second.Restart();
            await second.ReachAsync("waiting");
        }
        var story = await service.Controller.CtlAsync(["machines", "show", id], default);
        Assert.Single(story.Split('\n'), line => line.Contains("presented this machine's evidence", StringComparison.Ordinal));
        Assert.Contains("admitted by the policy auto", story, StringComparison.Ordinal);

        // The command that is shown settles it, word for word as it stands there.
        var shown = ClaimCommand().Match(await service.Controller.CtlAsync(["machines", "list"], default));
        Assert.True(shown.Success, story);
        await service.Controller.CtlAsync(shown.Groups["words"].Value.Split(' '), default);
        second.Kill();
        second.Restart();
        Assert.NotEqual(id, await second.BeUpAsync());
        Assert.Equal("up", await Worker.StateAsync(service, id));
    }

    [Fact]
    public async Task The_command_shown_for_an_ambiguous_machine_settles_it()
    {
        await using var service = await BootService.StartAsync("off");
        var (one, two) = (Worker.Machine(1), Worker.Machine(2));
        foreach (var (name, machine) in ((string, Inventory)[])[("one", one), ("two", two)])
        {
            var known = Worker.Start(service, name, machine);
            await known.BeUpAsync();
            known.Kill();
        }
        // The board of one, NIC and disk of the other: nobody can say which it is.
        var doubtful = Worker.Start(service, "doubtful",
            new Inventory { System = one.System, Board = one.Board, Nics = two.Nics, Disks = two.Disks });
        var waiting = await doubtful.ReachAsync("waiting");
        Assert.Equal("ambiguous", await Worker.StateAsync(service, waiting));
        var list = await service.Controller.CtlAsync(["machines", "list"], default);
        var shown = ResolveCommand().Match(list);
        Assert.True(shown.Success, list);
        Assert.Equal(waiting, shown.Groups["id"].Value);
        // Word for word as it stands there, as an operator copies it.
        await service.Controller.CtlAsync(shown.Groups["words"].Value.Split(' '), default);
        Assert.Equal(shown.Groups["target"].Value, await doubtful.BeUpAsync());
        Assert.Equal(2, (await service.Controller.WorkersAsync(default)).Count);
    }

    [Fact]
    public async Task SIGTERM_ends_a_worker_at_once_whatever_it_waits_for()
    {
        await using var service = await BootService.StartAsync("off", "approve");
        var waiting = Worker.Start(service, "waiting", Worker.Machine(1));
        await waiting.ReachAsync("waiting");
        // Nobody has this address: connecting takes its whole time-out.
        var connecting = Worker.Start(service, "connecting", Worker.Machine(2), control: "10.77.0.99:7443");
        await Wait.UntilAsync("it connects", Worker.Soon, () => Task.FromResult(connecting.ReadStatus() is not null), connecting.Log);
        foreach (var worker in (Worker[])[waiting, connecting])
        {
            var (code, took) = worker.Terminate();
            Assert.True(code == 0 && took < TimeSpan.FromSeconds(2), $"{worker.Log}: exit code {code} after {took.TotalSeconds:0.0} s");
        }
    }

    [Fact]
    public async Task A_system_bus_that_hangs_keeps_no_heartbeat_waiting()
    {
        await using var service = await BootService.StartAsync("off");
        // As that of a daemon that is stopped: it is connected to, and says nothing.
        var path = service.Folder.SocketPath("bus");
        using var bus = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        bus.Bind(new UnixDomainSocketEndPoint(path));
        bus.Listen();
        var worker = Worker.Start(service, "worker", Worker.Machine(1), bus: path);
        using var asked = await bus.AcceptAsync().WaitAsync(Worker.Soon);
        await worker.ReachAsync("enrolled");
        // The first heartbeat was answered while the agent still waits for the bus: it has not hung up.
        asked.Receive(new byte[4096]);
        Assert.False(asked.Poll(0, SelectMode.SelectRead) && asked.Available == 0, "the bus was given up before the first heartbeat");
        await worker.BeUpAsync();
    }

    private static void Truncate(string path, int length)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(length);
    }

    private static string OtherKey()
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKeyPem();
    }

    [GeneratedRegex(@"operosctl (?<words>machines resolve claim-[0-9a-f]{12} --as \S+)")]
    private static partial Regex ClaimCommand();

    [GeneratedRegex(@"operosctl (?<words>machines resolve (?<id>[0-9a-f-]{36}) --as (?<target>\S+))")]
    private static partial Regex ResolveCommand();
}

using Operos.Lab;

namespace Operos.Kubernetes.Tests.Nodes;

/// <summary>Who may log in to workers, as the controller's configuration says, and where the machines ask.</summary>
[Collection(Cluster.Alone)]
public sealed class SshTests(Cluster cluster, ITestOutputHelper output) : ClusterTest(cluster, output)
{
    private const string Configuration = "/etc/operos/controller.toml", Keys = "/run/operos/ssh/authorized_keys",
        Controller = "operos-controller.service", Agent = "operos-worker.service",
        Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPv6 somebody";

    [Fact]
    public async Task The_prompt_of_a_serial_console_waits_for_its_port_on_a_slow_machine_too()
    {
        foreach (var machine in (NativeMachine[])[Cluster.Controller, Cluster.One])
            foreach (var port in (string[])["ttyS0", "ttyS3"])
                Assert.Equal("JobRunningTimeoutUSec=20min", (await machine.RunAsync("systemctl",
                    ["show", $"dev-{port}.device", "--property", "JobRunningTimeoutUSec"], default)).Trim());
    }

    [Fact]
    public async Task sshd_runs_while_there_are_keys_and_ends_too_where_they_were_taken_away_while_the_agent_was_not_there()
    {
        var path = Cluster.Controller.PathOf(Configuration);
        var before = await File.ReadAllTextAsync(path);
        try
        {
            await ConfigureAsync($"{before}\n[nodes]\nauthorized-keys = [\"{Key}\"]\n");
            foreach (var worker in (NativeMachine[])[Cluster.One, Cluster.Two])
                await Cluster.UntilAsync($"sshd of {worker.Name} runs, with the key",
                    async () => await StateAsync(worker) == $"active {Key}");
            await Cluster.One.RunAsync("systemctl", ["stop", Agent], default);
            await ConfigureAsync(before);
            await Cluster.UntilAsync("where the agent runs sshd ends", async () => await StateAsync(Cluster.Two) == "inactive");
            Assert.Equal($"active {Key}", await StateAsync(Cluster.One));
        }
        finally
        {
            await ConfigureAsync(before);
            await Cluster.One.RunAsync("systemctl", ["start", Agent], default);
        }
        await Cluster.UntilAsync("where the agent comes back sshd ends too", async () => await StateAsync(Cluster.One) == "inactive");
        await Cluster.WholeAsync();

        async Task ConfigureAsync(string text)
        {
            await File.WriteAllTextAsync(path, text);
            await Cluster.Controller.RunAsync("systemctl", ["restart", Controller], default);
        }
    }

    /// <summary>What systemd says of sshd, and the keys that it lets in.</summary>
    private static async Task<string> StateAsync(NativeMachine worker)
    {
        var state = await worker.RunAsync("systemctl", ["is-active", "ssh.service"], default, check: false);
        return $"{state.Trim()} {await worker.RunAsync("cat", [Keys], default, check: false)}".Trim();
    }
}

using System.Diagnostics;
using Operos.Lab;

namespace Operos.Net.Tests;

/// <summary>What a real shell offers at the cursor, with the real operosctl and controller.</summary>
public sealed class CompletionTests
{
    [Fact]
    public async Task A_shell_completes_commands_options_and_the_names_of_machines()
    {
        await using var service = await BootService.StartAsync("off");
        var worker = Worker.Start(service, "worker", Worker.Machine(1));
        var id = await worker.BeUpAsync();
        var operosctl = new Build().Binary("operosctl");
        async Task<string[]> AtAsync(string line, string after = "")
        {
            // As bash itself calls what is registered for the command, with the folder of credentials in the environment.
            var script = $$"""
                source <('{{operosctl}}' completion bash)
                complete -p operosctl | grep -q -- '-F _operosctl'
                COMP_WORDS=('{{operosctl}}') COMP_LINE='operosctl {{line}}{{after}}' COMP_POINT={{"operosctl ".Length + line.Length}}
                _operosctl
                printf '%s\n' "${COMPREPLY[@]}"
                """;
            var found = await service.Client.RunAsync("env", [$"OPEROS_CONFIG={service.Folder["setup/admin"]}", "bash", "-ec", script]);
            return found.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }

        // A controller that has much else to do is waited for no longer than two seconds: whoever types presses the key again.
        Task AreAtAsync(string line, Func<string[], bool> hold) =>
            Wait.UntilAsync($"it is completed: {line}", Worker.Soon, async () => hold(await AtAsync(line)));

        Assert.Equal(["machines"], await AtAsync("mach"));
        Assert.Equal(["show"], await AtAsync("machines sh", after: " --json"));
        Assert.Equal(["--json"], await AtAsync("machines list --js"));
        Assert.Equal(["pending"], await AtAsync("machines --state pen"));
        Assert.Equal(["controller", "worker"], await AtAsync("machines --kind "));
        Assert.Equal(["viewer"], await AtAsync("operators add bob --role v"));
        Assert.DoesNotContain(await AtAsync("machines "), word => word.StartsWith('-'));
        await AreAtAsync("machines show ", words => words.Contains(id));
        await AreAtAsync($"why {id[..6]}", words => words.Contains(id));
        await service.Controller.CtlAsync(["machines", "rename", id, "rack1-7"], default);
        await AreAtAsync("machines reboot rack", words => words is ["rack1-7"]);
        Assert.Empty(await AtAsync("machines show nobody"));

        service.Controller.Kill();
        var clock = Stopwatch.StartNew();
        Assert.Empty(await AtAsync("machines show "));
        // It waits for two seconds; the rest is what programs take to start on a host that has much else to do.
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"a prompt stood still for {clock.Elapsed.TotalSeconds:0.0} s");
    }
}

using System.Text.RegularExpressions;
using Operos.Lab;

namespace Operos.Qemu.Tests;

/// <summary>The real operos-worker as a process of the rack's network, which enrols with what a guest told of itself.</summary>
internal static partial class NativeAgent
{
    /// <summary>Enrols as a machine just powered on, with nothing kept of an earlier boot; its id, once it is up.</summary>
    /// <param name="name">Of its log and folder in the rack's.</param>
    public static async Task<string> EnrolAsync(Rack rack, string name, string inventory)
    {
        var (file, log) = (rack.Folder[name + ".inventory.json"], rack.Folder[name + ".agent.log"]);
        await File.WriteAllTextAsync(file, inventory, rack.Over);
        using var process = rack.Network.Start(rack.Build.Binary("operos-worker"),
            ["run", "--control", $"{NativeController.Address}:7443", "--ca", rack.Folder["setup/admin/ca.crt"], "--inventory", file,
                "--state-dir", rack.Folder[name + ".state"], "--no-apply"], log);
        try
        {
            var wait = rack.Budget.Wait($"the agent with the inventory of {name} enrols") with { Logs = [log] };
            var enrolled = await wait.ForAsync(async () =>
            {
                var text = File.Exists(log) ? await File.ReadAllTextAsync(log, rack.Over) : "";
                if (Enrolled().Match(text) is { Success: true } found) return found;
                if (process.HasExited) throw new LabException($"the agent with the inventory of {name} ended; see {log}");
                return null;
            }, rack.Over);
            await rack.UpAsync(enrolled.Groups[1].Value);
            return enrolled.Groups[1].Value;
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    [GeneratedRegex("enrolled as ([0-9a-f-]{36})")]
    private static partial Regex Enrolled();
}

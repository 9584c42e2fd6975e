using Operos.Lab;

namespace Operos.Node.Tests.Disks;

/// <summary>A namespace of mounts in which a shell and our own code take turns; what was mounted is gone with it.</summary>
internal static class MountSpace
{
    /// <summary>What the probe does; any other step is the shell's.</summary>
    private static readonly string[] Orders = ["folders", "ephemeral-file", "volume", "excess"];

    /// <summary>What all steps print, by lines. <c>{0}</c> in one is the folder, which is the shell's own, too.</summary>
    public static async Task<string[]> RunAsync(string folder, params IEnumerable<string> steps)
    {
        var program = Environment.ProcessPath!;
        var self = program.EndsWith("dotnet", StringComparison.Ordinal) ? $"{program} {typeof(MountSpace).Assembly.Location}" : program;
        var lines = steps.Select(step => step.Replace("{0}", folder, StringComparison.Ordinal))
            .Select(step => Orders.Contains(step.Split(' ')[0]) ? $"{NetworkProbe.Variable}='{step}' {self}" : step);
        var said = await Shell.RunAsync("unshare",
            ["--mount", "--propagation", "private", "sh", "-ec", $"cd {folder}\n{string.Join('\n', lines)}\n"], default);
        return said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}

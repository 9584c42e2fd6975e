using System.Diagnostics;

namespace Operos.Lab;

/// <summary>Runs host programs; a failure carries the command line and what it printed.</summary>
public static class Shell
{
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken, bool check = true)
    {
        var list = arguments.ToList();
        using var process = Process.Start(new ProcessStartInfo(program, list) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true })!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try { await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false); }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        if (check && process.ExitCode != 0)
            throw new LabException($"{program} {string.Join(' ', list)} ended with {process.ExitCode}:\n{await errors.ConfigureAwait(false)}{await output.ConfigureAwait(false)}");
        return await output.ConfigureAwait(false);
    }
}

/// <summary>The lab itself, or what it watches, failed.</summary>
public sealed class LabException(string message) : Exception(message);

using System.Diagnostics;

namespace Operos.ControlPlane.Components;

/// <summary>Runs a host program to its end.</summary>
internal static class ProgramCall
{
    /// <summary>What it printed; its exit code is the caller's to judge.</summary>
    /// <exception cref="IOException">It cannot be started.</exception>
    public static async Task<(int Code, string Output, string Errors)> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments)
            { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true } };
        try { process.Start(); }
        catch (System.ComponentModel.Win32Exception e) { throw new IOException($"{program} cannot be started: {e.Message}", e); }
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(cancellationToken),
            process.StandardError.ReadToEndAsync(cancellationToken));
        try { await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false); }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
        return (process.ExitCode, await output.ConfigureAwait(false), (await errors.ConfigureAwait(false)).Trim());
    }
}

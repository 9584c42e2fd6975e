using System.Diagnostics;

namespace Operos.Lab;

/// <summary>Runs host programs; a failure carries the command line and what it printed.</summary>
public static class Shell
{
    /// <summary>No command of the lab takes as long; one that does hangs.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    /// <param name="tells">An exit code that is an answer, not a failure, where something was printed with it.</param>
    /// <param name="patience">After this it is killed, and what it started; null for 15 minutes.</param>
    /// <exception cref="LabException">It failed, where that is checked, or did not end in time.</exception>
    public static async Task<string> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellationToken, bool check = true, TimeSpan? patience = null,
        int tells = 0)
    {
        var list = arguments.ToList();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(patience ?? Longest);
        var start = new ProcessStartInfo(program, list) { RedirectStandardOutput = true, RedirectStandardError = true,
            RedirectStandardInput = true };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var errors = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
            // Until its end of output: a child that it left behind may hold that open.
            var said = await output.ConfigureAwait(false);
            if (!check || process.ExitCode == 0 || (process.ExitCode == tells && said.Length > 0)) return said;
            said = await errors.ConfigureAwait(false) + said;
            throw new LabException($"{program} {string.Join(' ', list)} ended with {process.ExitCode}:\n{said}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new LabException($"{program} {string.Join(' ', list)} did not end within {(patience ?? Longest).TotalSeconds:0} s");
        }
    }
}

/// <summary>The lab itself, or what it watches, failed.</summary>
public sealed class LabException(string message) : Exception(message);

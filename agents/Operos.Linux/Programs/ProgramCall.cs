using System.ComponentModel;
using System.Diagnostics;

namespace Operos.Linux.Programs;

/// <summary>What a program that ended had printed.</summary>
/// <param name="Code">The exit code.</param>
public readonly record struct ProgramResult(int Code, string Output, string Errors)
{
    /// <summary>The last thing that it said.</summary>
    public string LastLine => (Errors.Trim().Length > 0 ? Errors : Output).Trim().Split('\n')[^1].Trim();
}

/// <summary>Runs a host program to its end.</summary>
public static class ProgramCall
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>What it printed; its exit code is the caller's to judge.</summary>
    /// <param name="input">What it reads; nothing where it is not given.</param>
    /// <param name="longest">How long it may run; a minute where it is not given.</param>
    /// <exception cref="IOException">It cannot be started, or does not end in time.</exception>
    public static async Task<ProgramResult> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken,
        string? input = null, TimeSpan? longest = null)
    {
        var time = longest ?? Deadline;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(time);
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments)
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true } };
        try { process.Start(); }
        catch (Win32Exception e) { throw new IOException($"{program} cannot be run: {e.Message}", e); }
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            try
            {
                if (input is not null) await process.StandardInput.WriteAsync(input.AsMemory(), deadline.Token).ConfigureAwait(false);
                process.StandardInput.Close();
            }
            // It ended before it read all; its exit code says why.
            catch (IOException) { }
            await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
            return new ProgramResult(process.ExitCode, await output.ConfigureAwait(false), await errors.ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new IOException($"{program} {string.Join(' ', arguments)}: did not end within {time.TotalSeconds:0} s");
        }
    }
}

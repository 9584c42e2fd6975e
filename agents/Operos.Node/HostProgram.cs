using System.ComponentModel;
using System.Diagnostics;

namespace Operos.Node;

/// <summary>Runs a program of the host to its end.</summary>
internal static class HostProgram
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <param name="Code">The exit code.</param>
    public readonly record struct Result(int Code, string Output, string Errors)
    {
        /// <summary>The last thing that it said.</summary>
        public string LastLine => (Errors.Trim().Length > 0 ? Errors : Output).Trim().Split('\n')[^1].Trim();
    }

    /// <returns>What it printed.</returns>
    /// <exception cref="NodeException">It is missing, ended with a code other than 0, or took too long.</exception>
    public static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken,
        string? input = null)
    {
        var result = await TryAsync(program, arguments, cancellationToken, input).ConfigureAwait(false);
        return result.Code == 0 ? result.Output : throw new NodeException(
            $"{program} {string.Join(' ', arguments)}: {result.LastLine} (code {result.Code})");
    }

    /// <exception cref="NodeException">It is missing or took too long.</exception>
    public static async Task<Result> TryAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken,
        string? input = null)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments)
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true } };
        try { process.Start(); }
        catch (Win32Exception e) { throw new NodeException($"{program} cannot be run: {e.Message}"); }
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
            return new Result(process.ExitCode, await output.ConfigureAwait(false), await errors.ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new NodeException($"{program} {string.Join(' ', arguments)}: did not end within {Deadline.TotalSeconds:0} s");
        }
    }
}

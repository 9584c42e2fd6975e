using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Operos.Policy.Nftables;

/// <summary>Runs nft(8), once for each transaction.</summary>
internal sealed class NftProgram(IReadOnlyList<string> command, TimeSpan patience)
{
    private const int LongestError = 1000;

    /// <param name="input">What it reads on its standard input.</param>
    /// <exception cref="NftException">It could not be started, refused the input, or took too long.</exception>
    public async Task<string> RunAsync(IEnumerable<string> arguments, string input, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(patience);
        using var process = Start([.. command.Skip(1), .. arguments]);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            await WriteAsync(process, input, deadline.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
            if (process.ExitCode == 0) return await output.ConfigureAwait(false);
            var text = await errors.ConfigureAwait(false);
            throw new NftException(
                $"{command[0]} ended with {process.ExitCode}: {(text.Length > LongestError ? text[..LongestError] + "..." : text).Trim()}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new NftException($"{command[0]} took longer than {patience.TotalSeconds:0} s");
        }
        finally
        {
            // Whoever called has given up on it: it must not change rules later.
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private Process Start(IReadOnlyList<string> arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(command[0], arguments)
            {
                RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
                StandardInputEncoding = Encoding.ASCII, StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8,
            })!;
        }
        catch (Win32Exception e) { throw new NftException(
            $"{command[0]} cannot be started: {e.Message}; is the package nftables installed?", e); }
    }

    private static async Task WriteAsync(Process process, string input, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        // It stopped reading: its exit code and its words say why.
        catch (IOException) { }
    }
}

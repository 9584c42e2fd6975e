using Operos.Linux.Programs;

namespace Operos.Node;

/// <summary>A program of the host whose failure is the node's.</summary>
internal static class HostProgram
{
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
    public static async Task<ProgramResult> TryAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken,
        string? input = null)
    {
        try { return await ProgramCall.RunAsync(program, arguments, cancellationToken, input).ConfigureAwait(false); }
        catch (IOException e) { throw new NodeException(e.Message, e); }
    }
}

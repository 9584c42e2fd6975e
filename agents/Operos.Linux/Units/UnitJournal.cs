using System.ComponentModel;
using System.Diagnostics;
using Operos.Linux.Programs;

namespace Operos.Linux.Units;

/// <summary>What a service's own processes said, by the journal (journalctl(1)); not what systemd says of it, which comes after.</summary>
public static class UnitJournal
{
    private const string Program = "journalctl";

    /// <summary>
    /// The line that says why a service ended or ails, of the last ones since the machine's start; empty where it said nothing, or the
    /// journal cannot be read.
    /// </summary>
    /// <param name="service">Without <c>.service</c>.</param>
    /// <param name="lines">How many of the last lines may hold it.</param>
    public static async Task<string> LastWordsAsync(string service, int lines, CancellationToken cancellationToken)
    {
        try
        {
            var said = await ProgramCall.RunAsync(Program, [.. Of(service), "--boot", "--lines", $"{lines}"], cancellationToken)
                .ConfigureAwait(false);
            return LastWords.Fault(said.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        }
        // That nobody knows its words changes nothing of the service.
        catch (IOException) { return ""; }
    }

    /// <summary>The last lines since the machine's start, each with its time, the oldest first.</summary>
    /// <exception cref="IOException">The journal cannot be read.</exception>
    public static async Task<IReadOnlyList<string>> ReadAsync(string service, int lines, CancellationToken cancellationToken)
    {
        var said = await ProgramCall.RunAsync(Program,
            [.. Of(service), "--boot", "--lines", $"{lines}", "--output", "short-iso"], cancellationToken).ConfigureAwait(false);
        return said.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Tells each line that a service says from now on; returns when the journal ends, which it does not of itself.</summary>
    /// <exception cref="IOException">The journal cannot be followed.</exception>
    public static async Task FollowAsync(string service, Action<string> heard, CancellationToken cancellationToken)
    {
        using var journal = new Process { StartInfo = new ProcessStartInfo(Program, [.. Of(service), "--follow", "--lines", "0"])
            { RedirectStandardOutput = true, RedirectStandardInput = true } };
        try { journal.Start(); }
        catch (Win32Exception e) { throw new IOException($"{Program} cannot be run: {e.Message}", e); }
        try
        {
            journal.StandardInput.Close();
            while (await journal.StandardOutput.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line) heard(line);
        }
        finally { End(journal); }
    }

    private static void End(Process journal)
    {
        try { journal.Kill(); }
        // It has ended.
        catch (InvalidOperationException) { }
    }

    private static string[] Of(string service) =>
        [$"_SYSTEMD_UNIT={service}.service", "--output", "cat", "--no-pager", "--quiet"];
}

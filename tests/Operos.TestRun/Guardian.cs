using System.Diagnostics;

namespace Operos.TestRun;

/// <summary>
/// Ends what a run has started when the run is killed itself, and can end nothing any more: a shell that reads from a pipe which only we
/// hold open. What we start has a mark in its environment, and so has whatever that starts.
/// </summary>
internal sealed class Guardian : IDisposable
{
    private const string Variable = "OPEROS_TEST_RUN";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Scripts and labs take away what they made when they are told of SIGTERM.</summary>
    private const string Script = """
        trap '' HUP INT TERM
        read -r word && exit 0
        left() { grep -lzx "$1" /proc/[0-9]*/environ 2> /dev/null | cut -d / -f 3; }
        for signal in TERM KILL KILL; do
            ids=$(left "$1")
            [ -z "$ids" ] || kill -s "$signal" $ids 2> /dev/null
            for look in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
                [ -n "$(left "$1")" ] || exit 0
                sleep 0.25
            done
        done
        """;

    private readonly Process _shell;

    private Guardian(Process shell) => _shell = shell;

    /// <summary>From now on all that we start has the mark.</summary>
    public static Guardian Start()
    {
        var mark = $"{Guid.NewGuid()}";
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Script, "sh", $"{Variable}={mark}"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        // One run inside another is ended by the other's.
        start.Environment.Remove(Variable);
        var shell = Process.Start(start)!;
        Environment.SetEnvironmentVariable(Variable, mark);
        return new Guardian(shell);
    }

    /// <summary>Everything has ended.</summary>
    public void Dispose()
    {
        try
        {
            _shell.StandardInput.WriteLine("done");
            _shell.StandardInput.Close();
        }
        catch (IOException) { /* somebody ended it */ }
        _shell.WaitForExit(Patience);
        _shell.Dispose();
    }
}

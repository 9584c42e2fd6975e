using System.Collections.Concurrent;
using System.Diagnostics;

namespace Operos.Lab;

/// <summary>
/// Starts processes from one thread that lives as long as we do: the parent whose death a child is told of is a thread
/// (prctl(2), PR_SET_PDEATHSIG), and threads of the pool come and go.
/// </summary>
internal static class Launcher
{
    private static readonly BlockingCollection<(ProcessStartInfo Info, TaskCompletionSource<Process> Started)> Queue = [];

    static Launcher() => new Thread(Run) { IsBackground = true, Name = "launcher" }.Start();

    public static Process Start(ProcessStartInfo info)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Queue.Add((info, started));
        return started.Task.GetAwaiter().GetResult();
    }

    private static void Run()
    {
        foreach (var (info, started) in Queue.GetConsumingEnumerable())
        {
            try { started.SetResult(Process.Start(info)!); }
            catch (Exception e) { started.SetException(e); }
        }
    }
}

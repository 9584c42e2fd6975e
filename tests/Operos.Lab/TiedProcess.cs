using System.Collections.Concurrent;
using System.Diagnostics;

namespace Operos.Lab;

/// <summary>
/// Processes that the kernel kills when this one ends, however that is. The signal comes when the thread that started a process ends
/// (prctl(2), PR_SET_PDEATHSIG), and threads of the pool end after 20 s without work: these are started by one that lasts.
/// </summary>
public static class TiedProcess
{
    private static readonly BlockingCollection<Action> Orders = Begin();

    /// <param name="log">What it writes goes there.</param>
    public static Process Start(string name, string log, IEnumerable<string> command)
    {
        var started = new TaskCompletionSource<Process>();
        // The shell's job is the log; the program takes its place.
        string[] arguments = ["--pdeathsig", "KILL", "sh", "-c", $"exec \"$@\" > {log} 2>&1", name, .. command];
        Orders.Add(() =>
        {
            try { started.SetResult(Process.Start("setpriv", arguments)); }
            catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception) { started.SetException(e); }
        });
        return started.Task.GetAwaiter().GetResult();
    }

    private static BlockingCollection<Action> Begin()
    {
        var orders = new BlockingCollection<Action>();
        new Thread(() =>
        {
            foreach (var order in orders.GetConsumingEnumerable()) order();
        }) { IsBackground = true, Name = "starts processes" }.Start();
        return orders;
    }
}

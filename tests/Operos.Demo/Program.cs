using System.Runtime.InteropServices;
using Operos.Demo;
using Operos.Lab;

// The virtual cluster of `make demo`: a controller booted from its disk and two workers from the network.
using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
var logs = "";
try
{
    logs = VirtualCluster.LogFolder;
    // One that fails under KVM is no reason to give up: emulated guests run everywhere.
    if (!await RunAsync()) await RunAsync();
    return 0;
}
catch (OperationCanceledException)
{
    Console.WriteLine($"\ndemo: stopped; logs: {logs}");
    return 130;
}
catch (LabException e)
{
    Console.Error.WriteLine($"\ndemo: {e.Message}\ndemo: logs: {logs}");
    return 1;
}

void End(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

// Whether it came to its end; not when a guest failed under KVM, which is not used then any more.
async Task<bool> RunAsync()
{
    await using var cluster = await VirtualCluster.CreateAsync(new Build(), stop.Token);
    try
    {
        await cluster.RunAsync(async token =>
        {
            await cluster.PowerOnControllerAsync();
            await new LiveView(cluster).WatchAsync(token);
            if (cluster.HasKubernetes) await cluster.RunSampleAsync(token);
            await cluster.IntroduceAsync();
            if (Environment.GetEnvironmentVariable("DEMO_EXIT") == "1") return;
            Console.WriteLine("\nThe cluster runs until Ctrl-C.");
            await Task.Delay(Timeout.Infinite, token);
        });
        return true;
    }
    catch (LabException e) when (Accelerator.IsKvm && cluster.GuestFailed)
    {
        Console.Error.WriteLine($"\ndemo: {e.Message}\n\ndemo: starting again without KVM");
        await Accelerator.ForbidKvmAsync(e.Message.Split('\n')[0], stop.Token);
        return false;
    }
}

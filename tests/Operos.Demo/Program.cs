using Operos.Demo;
using Operos.Lab;

// The virtual cluster of `make demo`: a controller booted from its disk and two workers from the network.
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) => { pressed.Cancel = true; stop.Cancel(); };
using var terminated = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, signal => { signal.Cancel = true; stop.Cancel(); });
try
{
    await using var cluster = await VirtualCluster.StartAsync(new Build(), stop.Token);
    await new LiveView(cluster).WatchAsync(stop.Token);
    if (cluster.HasKubernetes) await cluster.RunSampleAsync(stop.Token);
    await cluster.IntroduceAsync(stop.Token);
    if (Environment.GetEnvironmentVariable("DEMO_EXIT") == "1") return 0;
    Console.WriteLine("\nThe cluster runs until Ctrl-C.");
    try { await Task.Delay(Timeout.Infinite, stop.Token); }
    catch (OperationCanceledException) { Console.WriteLine("\nswitching the machines off"); }
    return 0;
}
catch (OperationCanceledException)
{
    Console.WriteLine("\nstopped");
    return 130;
}
catch (LabException e)
{
    Console.Error.WriteLine($"\ndemo: {e.Message}");
    return 1;
}

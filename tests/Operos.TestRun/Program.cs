using System.Runtime.InteropServices;
using Operos.TestRun;

// tests/run.sh has compiled everything. This is <root>/tests/Operos.TestRun/bin/Release/net10.0.
var root = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../.."));
Arguments arguments;
Suite suite;
IReadOnlyList<Stage> stages;
try
{
    arguments = Arguments.Read(args);
    suite = new Suite(root, arguments.Make, arguments.HasKubernetes, arguments.Filter, arguments.Soak, arguments.HasCeph);
    stages = arguments.Items switch { ["all"] => suite.All, ["quick"] => suite.Quick, ["soak"] => [], var items => suite.Of(items) };
}
catch (ArgumentException e)
{
    Console.Error.WriteLine($"run.sh: {e.Message}\n  next: tests/run.sh --help");
    return 2;
}

var results = Path.GetFullPath(arguments.Results ?? Path.Combine(root, "out", "test-results"));
Directory.CreateDirectory(results);
// A program of a test project finds the runtime that we found.
Environment.SetEnvironmentVariable("DOTNET_ROOT", Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../..")));
using var guardian = Guardian.Start();
using var stop = new CancellationTokenSource();
var signalled = 0;
void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    if (Interlocked.CompareExchange(ref signalled, context.Signal == PosixSignal.SIGINT ? 130 : 143, 0) != 0) return;
    Console.WriteLine($"\nstopped by {context.Signal}; what runs is ended. Logs: {results}, of machines and daemons {root}/out/test");
    stop.Cancel();
}
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);

if (arguments.Items is ["soak"])
{
    var isGreen = await new SoakRun(suite.Soak, results, arguments.Limit, Console.Out, TimeProvider.System, stop.Token).RunAsync();
    return signalled != 0 ? signalled : isGreen ? 0 : 1;
}

var started = DateTimeOffset.UtcNow;
var report = new RunReport(await new TestRun(new RunOptions(results, arguments.Limit), Console.Out, stop.Token).RunAsync(stages));
TimesFile.Write(Path.Combine(results, "times.json"), started, arguments.Compiled, report);
report.Write(results, Console.Out);
File.WriteAllText(Path.Combine(results, "count"), report.Closing + "\n");
return signalled != 0 ? signalled : report.Failed > 0 ? 1 : 0;

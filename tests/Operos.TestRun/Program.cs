using System.Globalization;
using System.Runtime.InteropServices;
using Operos.TestRun;

// tests/run.sh has compiled everything and says how this is used.
string? results = null;
var (make, kubernetes, compiling) = (false, true, 0.0);
// Before CI's own limit, which ends without a count.
var limit = TimeSpan.FromMinutes(80);
var (filter, names) = (new List<string>(), new List<string>());
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--results" when i + 1 < args.Length: results = args[++i]; break;
        case "--filter" when i + 1 < args.Length: filter.AddRange(args[++i].Split(' ', StringSplitOptions.RemoveEmptyEntries)); break;
        case "--compiled" when i + 1 < args.Length: compiling = double.Parse(args[++i], CultureInfo.InvariantCulture); break;
        case "--limit" when i + 1 < args.Length && double.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var minutes) && minutes > 0: limit = TimeSpan.FromMinutes(minutes); i++; break;
        case "--make": make = true; break;
        case "--without-kubernetes": kubernetes = false; break;
        case var option when option.StartsWith('-'): return Refuse($"unknown or incomplete option {option}");
        default: names.Add(args[i]); break;
    }
}
if (names.Count == 0) return Refuse("nothing to run was named");
// <root>/tests/Operos.TestRun/bin/Release/net10.0
var root = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../.."));
results = Path.GetFullPath(results ?? Path.Combine(root, "out", "test-results"));
var suite = new Suite(root, make, kubernetes, filter);
IReadOnlyList<Stage> stages;
try { stages = names is ["all"] ? suite.All : names is ["quick"] ? suite.Quick : suite.Of(names); }
catch (ArgumentException e) { return Refuse(e.Message); }

Directory.CreateDirectory(results);
// A program of a test project finds the runtime that we found.
Environment.SetEnvironmentVariable("DOTNET_ROOT", Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../..")));
using var stop = new CancellationTokenSource();
var stopped = 0;
void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    if (Interlocked.CompareExchange(ref stopped, context.Signal == PosixSignal.SIGINT ? 130 : 143, 0) != 0) return;
    Console.WriteLine($"\nstopped by {context.Signal}; what runs is ended, its logs: {results}");
    stop.Cancel();
}
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);

var started = DateTimeOffset.UtcNow;
var done = await new TestRun(new RunOptions(results, limit), Console.Out, stop.Token).RunAsync(stages);
TimesFile.Write(Path.Combine(results, "times.json"), started, compiling, done);
RunReport.Write(done, results, Console.Out);
File.WriteAllText(Path.Combine(results, "count"), RunReport.Closing(done) + "\n");
return stopped != 0 ? stopped : RunReport.Count(done).Failed > 0 ? 1 : 0;

static int Refuse(string why)
{
    Console.Error.WriteLine($"run.sh: {why}\n  next: tests/run.sh --help");
    return 2;
}

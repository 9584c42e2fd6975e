using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Operos.TestRun;

/// <summary>
/// The managed stacks of a .NET process that runs, by the runtime's own <c>createdump</c>: SIGQUIT makes .NET print none.
/// It knows threads only; what waits without one is told by the process itself (Stacks/).
/// </summary>
internal static class ThreadStacks
{
    /// <summary>It takes a second, and 20 where all cores are busy.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <returns>Lines for a log; if there are no stacks, why.</returns>
    public static async Task<IReadOnlyList<string>> ReadAsync(int process)
    {
        var program = Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "createdump");
        var folder = Directory.CreateTempSubdirectory("operos-stacks-").FullName;
        var core = Path.Combine(folder, "core");
        var start = new ProcessStartInfo(program, ["--crashreportonly", "--name", core, $"{process}"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        try
        {
            using var dump = Process.Start(start)!;
            var errors = dump.StandardError.ReadToEndAsync();
            using var deadline = new CancellationTokenSource(Patience);
            try { await dump.WaitForExitAsync(deadline.Token).ConfigureAwait(false); }
            catch (OperationCanceledException)
            {
                dump.Kill();
                return [$"stacks: {program} did not end within {Patience.TotalSeconds:0} s"];
            }
            var report = core + ".crashreport.json";
            if (!File.Exists(report))
                return [$"stacks: {program} ended with {dump.ExitCode}: {(await errors.ConfigureAwait(false)).Trim()}"];
            using var json = JsonDocument.Parse(await File.ReadAllTextAsync(report).ConfigureAwait(false));
            return [.. Render(json.RootElement)];
        }
        // What it writes is no contract; and it is no reason to end a run.
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or JsonException or IOException
            or UnauthorizedAccessException or KeyNotFoundException or InvalidOperationException)
        {
            return [$"stacks: {program}: {e.Message}"];
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    private static IEnumerable<string> Render(JsonElement report)
    {
        foreach (var thread in report.GetProperty("payload").GetProperty("threads").EnumerateArray())
        {
            var methods = thread.GetProperty("stack_frames").EnumerateArray()
                .Select(frame => frame.TryGetProperty("method_name", out var name) ? name.GetString() : null).OfType<string>().ToList();
            if (methods.Count == 0) continue;
            yield return $"stacks: thread {thread.GetProperty("native_thread_id").GetString()}";
            foreach (var method in methods) yield return $"    at {method}";
        }
    }
}

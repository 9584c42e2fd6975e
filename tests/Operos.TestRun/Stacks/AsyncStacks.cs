using System.Collections;
using System.Reflection;
using System.Runtime.InteropServices;
using Operos.TestRun.Stacks;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestPipelineStartup(typeof(AsyncStacks))]

namespace Operos.TestRun.Stacks;

/// <summary>
/// On SIGQUIT a test program prints which async methods have begun and not ended, each with who awaits it.
/// A test that hangs mostly waits in no thread, so that threads' stacks show nothing of it.
/// The runtime keeps the list for debuggers once it is told to; its members have been private under these names since .NET Core 3.
/// </summary>
/// <remarks>
/// Who asks for a signal last is told first, and we ask after xUnit.net's console: the list is made before that cancels the tests.
/// </remarks>
internal sealed class AsyncStacks : ITestPipelineStartup
{
    private const BindingFlags Private = BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;
    private static readonly FieldInfo? Keep = typeof(Task).GetField("s_asyncDebuggingEnabled", Private);
    private static readonly FieldInfo? Active = typeof(Task).GetField("s_currentActiveTasks", Private);
    private static readonly FieldInfo? Continuation = typeof(Task).GetField("m_continuationObject", Private);
    private PosixSignalRegistration? _registration;

    public ValueTask StartAsync(IMessageSink diagnosticMessageSink)
    {
        Keep?.SetValue(null, true);
        _registration = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, context =>
        {
            context.Cancel = true;
            Console.Out.Write(Describe());
            Console.Out.Flush();
        });
        return default;
    }

    public ValueTask StopAsync()
    {
        _registration?.Dispose();
        return default;
    }

    internal static string Describe()
    {
        try
        {
            if (List() is not { } tasks) return "stacks: this runtime keeps no list of tasks by the names that we know\n";
            var awaiters = tasks.ToDictionary(task => task, Awaiters);
            var methods = tasks.Where(task => Method(task) is not null).ToList();
            var awaiting = methods.SelectMany(method => awaiters[method]).ToHashSet();
            // A chain begins with a method that awaits no other: what it waits for is no method.
            var chains = methods.Where(method => !awaiting.Contains(method)).Select(method => Chain(method, awaiters));
            var alike = chains.Where(chain => chain.Length > 0).GroupBy(chain => chain).OrderBy(group => group.Key, StringComparer.Ordinal);
            return string.Concat(alike.Select(group => $"stacks: waiting ({group.Count()})\n{group.Key}"));
        }
        catch (Exception e) { return $"stacks: the list of tasks could not be read: {e.GetType().Name}: {e.Message}\n"; }
    }

    private static List<Task>? List()
    {
        if (Keep is null || Continuation is null || Active?.GetValue(null) is not IDictionary list) return null;
        // As those do who add to it.
        lock (list) return [.. list.Values.Cast<Task>().Where(task => !task.IsCompleted)];
    }

    /// <summary>Up to the test: what runs it is the same for all.</summary>
    private static string Chain(Task leaf, Dictionary<Task, List<Task>> awaiters)
    {
        var (lines, seen) = ("", new HashSet<Task>());
        for (Task? task = leaf; task is not null && seen.Add(task); task = awaiters.GetValueOrDefault(task)?.FirstOrDefault())
        {
            if (Method(task) is not { } method) continue;
            if (method.StartsWith("Xunit.", StringComparison.Ordinal)) break;
            lines += $"    at {method}\n";
        }
        return lines;
    }

    /// <summary>Null for a task that is no async method.</summary>
    private static string? Method(Task task)
    {
        if (task.GetType().GetField("StateMachine", BindingFlags.Public | BindingFlags.Instance)?.FieldType is not { } machine) return null;
        // The compiler's name of it: <Method>d__12, inside the class.
        return $"{machine.DeclaringType?.FullName}.{machine.Name.Split('>')[0].TrimStart('<')}";
    }

    /// <summary>Whom the end of this task resumes: async methods, or tasks that stand for several.</summary>
    private static List<Task> Awaiters(Task task) => [.. Targets(Continuation!.GetValue(task))];

    private static IEnumerable<Task> Targets(object? continuation) => continuation switch
    {
        null => [],
        Task awaiter => [awaiter],
        Delegate action => Targets(action.Target),
        IList several => several.Cast<object?>().SelectMany(Targets),
        // One with a context, and one that tells a debugger, have the action inside.
        _ => Targets(Inside(continuation, "m_action") ?? Inside(continuation, "_continuation")),
    };

    private static Delegate? Inside(object continuation, string field) =>
        continuation.GetType().GetField(field, Private)?.GetValue(continuation) as Delegate;
}

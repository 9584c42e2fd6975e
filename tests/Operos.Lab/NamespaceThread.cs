using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Operos.Lab;

/// <summary>
/// Code inside a network namespace. A socket belongs to the namespace of the thread that made it (network_namespaces(7)), and may be used
/// from anywhere.
/// </summary>
public static partial class NamespaceThread
{
    private const int CLONE_NEWNET = 0x40000000;

    /// <summary>Runs code inside, on a thread of its own; threads that it starts are inside too.</summary>
    public static T Run<T>(string name, Func<T> code)
    {
        var result = default(T);
        ExceptionDispatchInfo? problem = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/var/run/netns/{name}");
                if (setns(handle, CLONE_NEWNET) != 0) throw new IOException($"setns: errno {Marshal.GetLastPInvokeError()}");
                result = code();
            }
            catch (Exception e) { problem = ExceptionDispatchInfo.Capture(e); }
        });
        thread.Start();
        thread.Join();
        problem?.Throw();
        return result!;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(Microsoft.Win32.SafeHandles.SafeFileHandle descriptor, int type);
}

using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>
/// A key in the kernel's keyring of this process (add_key(2), keyrings(7)): what a part of the kernel finds by its name, in calls of this
/// process alone, and nobody reads. It is gone when it is disposed of.
/// </summary>
public sealed unsafe partial class KernelKey : IDisposable
{
    private readonly int key;

    private KernelKey(int key) => this.key = key;

    /// <param name="type">Such as <c>ceph</c>, whose module must be loaded.</param>
    /// <exception cref="LinuxException">The kernel refuses it.</exception>
    public static KernelKey Add(string type, string name, ReadOnlySpan<byte> payload)
    {
        fixed (byte* bytes = payload)
        {
            var added = syscall(SYS_add_key, type, name, bytes, (nuint)payload.Length, KEY_SPEC_PROCESS_KEYRING);
            return new KernelKey(LinuxException.Check((int)added, "add_key", $"{type} {name}"));
        }
    }

    public void Dispose() => _ = syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_PROCESS_KEYRING);

    private const int KEY_SPEC_PROCESS_KEYRING = -2, KEYCTL_UNLINK = 9;
    private const nint SYS_add_key = 248, SYS_keyctl = 250;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint syscall(nint number, string type, string name, byte* payload, nuint length, nint keyring);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint operation, nint key, nint keyring);
}

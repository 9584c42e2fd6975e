using System.Runtime.InteropServices;

namespace Operos.Linux;

/// <summary>Loads kernel modules by name or modalias, with their dependencies, through libkmod (kmod(8)).</summary>
public sealed partial class KernelModules : IDisposable
{
    private readonly nint context;

    /// <param name="directory">Such as <c>/lib/modules/6.12.0-amd64</c>; null for the running kernel's.</param>
    public KernelModules(string? directory = null)
    {
        context = kmod_new(directory, 0);
        if (context == 0) throw new LinuxException("kmod_new", directory, Marshal.GetLastPInvokeError());
        // Without the indexes in memory each lookup would read them anew.
        _ = kmod_load_resources(context);
    }

    /// <summary>
    /// Loads every module that matches. Returns how many were inserted; a module that fails is told to <paramref name="failed"/>.
    /// </summary>
    public int Load(string alias, Action<string, int>? failed = null)
    {
        nint list = 0;
        if (kmod_module_new_from_lookup(context, alias, ref list) < 0 || list == 0) return 0;
        var inserted = 0;
        for (var item = list; item != 0; item = kmod_list_next(list, item))
        {
            var module = kmod_module_get_module(item);
            var result = kmod_module_probe_insert_module(module, KMOD_PROBE_APPLY_BLACKLIST_ALIAS_ONLY, null, 0, 0, 0);
            if (result == 0) inserted++;
            else if (result < 0) failed?.Invoke(Marshal.PtrToStringUTF8(kmod_module_get_name(module)) ?? alias, -result);
            _ = kmod_module_unref(module);
        }
        _ = kmod_module_unref_list(list);
        return inserted;
    }

    public void Dispose() => _ = kmod_unref(context);

    private const uint KMOD_PROBE_APPLY_BLACKLIST_ALIAS_ONLY = 0x40000;
    private const string Library = "libkmod.so.2";

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint kmod_new(string? directory, nint configuration);

    [LibraryImport(Library)]
    private static partial nint kmod_unref(nint context);

    [LibraryImport(Library)]
    private static partial int kmod_load_resources(nint context);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int kmod_module_new_from_lookup(nint context, string alias, ref nint list);

    [LibraryImport(Library)]
    private static partial nint kmod_list_next(nint list, nint item);

    [LibraryImport(Library)]
    private static partial nint kmod_module_get_module(nint item);

    [LibraryImport(Library)]
    private static partial nint kmod_module_get_name(nint module);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int kmod_module_probe_insert_module(nint module, uint flags, string? options, nint run, nint data, nint print);

    [LibraryImport(Library)]
    private static partial nint kmod_module_unref(nint module);

    [LibraryImport(Library)]
    private static partial int kmod_module_unref_list(nint list);
}
